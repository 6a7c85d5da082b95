FROM a
COPY --chmod="0555" --chown='a:b' a b
COPY --chown="a b" c d
