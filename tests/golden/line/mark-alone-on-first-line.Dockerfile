
FROM a
