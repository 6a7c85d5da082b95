FROM a
COPY --CHOWN=a b c
