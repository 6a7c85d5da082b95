FROM a
RUN echo $(cat <<EOF)
x
EOF)
RUN b
