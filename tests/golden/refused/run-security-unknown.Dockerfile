FROM a
RUN --security=foo b
