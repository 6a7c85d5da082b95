FROM a
COPY <<EOF /x
ÿþé
EOF
RUN b
