FROM a
RUN ls # <<EOF
x
EOF
