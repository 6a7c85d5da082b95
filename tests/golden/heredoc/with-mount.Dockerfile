FROM a
RUN --mount=type=cache,target=/c <<EOF
a
EOF
