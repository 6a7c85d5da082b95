FROM a
RUN cat <\
<EOF
body
EOF
RUN b
