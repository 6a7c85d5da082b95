FROM a
RUN cat <<A 3<<B
1
A
2
B
COPY <<a.txt <<b.txt /d/
1
a.txt
2
b.txt
