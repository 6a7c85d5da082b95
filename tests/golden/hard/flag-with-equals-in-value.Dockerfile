FROM a
RUN --mount=type=secret,id=a=b x
