FROM a
RUN cat <<EOF>f
a
EOF>f
RUN b
