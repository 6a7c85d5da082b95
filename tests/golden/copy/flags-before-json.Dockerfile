FROM a
COPY --chown=1 ["a b", "c"]
