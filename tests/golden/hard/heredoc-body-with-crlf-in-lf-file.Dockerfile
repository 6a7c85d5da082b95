FROM a
RUN <<EOF
a
b
EOF
RUN c
