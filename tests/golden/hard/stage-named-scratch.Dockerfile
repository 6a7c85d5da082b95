FROM a AS scratch
FROM scratch
