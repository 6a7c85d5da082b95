FROM a
COPY <<EOF --chown=1 /x
a
EOF
