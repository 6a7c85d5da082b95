FROM a
RUN cat <<E\
OF
body
EOF
RUN b
