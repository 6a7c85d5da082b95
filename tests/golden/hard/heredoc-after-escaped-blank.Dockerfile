FROM a
RUN cat a\ <<EOF
RUN b
