FROM a
RUN b \
# one
  # two \
  c \
  #three
  d
