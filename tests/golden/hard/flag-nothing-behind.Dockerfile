FROM a
RUN --mount=type=ssh
