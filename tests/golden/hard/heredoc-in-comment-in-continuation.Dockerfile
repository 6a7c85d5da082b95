FROM a
RUN b \
  # <<EOF
  c
RUN d
