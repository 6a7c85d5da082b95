FROM a
COPY --chown=ÿ a b
