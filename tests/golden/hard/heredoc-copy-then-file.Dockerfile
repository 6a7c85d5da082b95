FROM a
COPY a <<EOF b /c/
x
EOF
RUN b
