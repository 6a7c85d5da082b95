FROM a
ONBUILD \
  RUN a \
  # why
  b
