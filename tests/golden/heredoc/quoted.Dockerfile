FROM a
COPY <<'E' /x
$A \
E
COPY <<"F G" /x
$B
F G
COPY <<\H /x
$C
H
COPY <<I"J"K /x
1
IJK
