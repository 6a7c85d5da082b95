FROM a
COPY --chown="a \
 b" c d
