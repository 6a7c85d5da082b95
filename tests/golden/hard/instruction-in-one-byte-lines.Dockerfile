FROM a
R\
U\
N\
 \
x
