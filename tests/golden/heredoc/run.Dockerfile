FROM a
RUN <<EOF
set -e
echo a
EOF
RUN b
