FROM a
RUN b \
# one
RUN c
