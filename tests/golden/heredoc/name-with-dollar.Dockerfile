FROM a
RUN <<$A
x
$A
RUN b
