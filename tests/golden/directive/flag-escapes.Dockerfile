# escape=`
FROM a
COPY --chown="a`"b" c d
COPY --chown=a\b c d
