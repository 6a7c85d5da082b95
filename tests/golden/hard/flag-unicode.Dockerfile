FROM a
COPY --chown=ü:ö a b
