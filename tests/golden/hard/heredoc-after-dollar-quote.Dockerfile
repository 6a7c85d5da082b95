FROM a
RUN echo $'it\'s' <<EOF
x
EOF
