FROM a
RUN cat <<A;ls
x
A;ls
RUN b
