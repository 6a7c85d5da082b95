FROM a
RUN --foo=1 b
