FROM a
COPY --chown=a --chown=b c d
