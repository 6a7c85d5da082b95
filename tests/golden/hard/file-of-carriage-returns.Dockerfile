
FROM a
