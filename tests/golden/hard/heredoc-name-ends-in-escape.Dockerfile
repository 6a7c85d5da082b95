FROM a
RUN cat <<A\\
x
A\
RUN b
