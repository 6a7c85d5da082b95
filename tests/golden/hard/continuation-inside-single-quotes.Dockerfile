FROM a
RUN echo 'b \
  c \
# gone
  d'
