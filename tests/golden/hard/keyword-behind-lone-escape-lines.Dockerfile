\
\
\
FROM a
