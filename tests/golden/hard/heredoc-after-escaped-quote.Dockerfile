FROM a
RUN echo \" <<EOF
x
EOF
RUN b
