FROM a
COPY ["a b", "c", "/d e/"]
COPY ["a","b"]
