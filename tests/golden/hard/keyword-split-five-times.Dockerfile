F\
R\
O\
M\
 \
a
