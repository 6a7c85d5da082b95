FROM a
COPY --foo a b
