FROM a
ONBUILD COPY --foo=1 a b
