FROM a
ARG "A=b"
ARG 'A'=c
