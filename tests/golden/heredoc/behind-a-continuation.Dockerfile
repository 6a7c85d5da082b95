FROM a
RUN a && \
  # why
  cat <<EOF
b
EOF
RUN c
