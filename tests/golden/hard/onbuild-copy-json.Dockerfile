FROM a
ONBUILD COPY ["a b", "c"]
