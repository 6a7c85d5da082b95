FROM a
LABEL a=1 "b c"="d e" f.g-h="i\
j" org.example.x='y z'
