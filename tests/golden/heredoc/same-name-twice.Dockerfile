FROM a
RUN cat <<A <<A
1
A
2
A
RUN b
