FROM a
# b \
RUN c
