# syntax=ÿ
FROM a
