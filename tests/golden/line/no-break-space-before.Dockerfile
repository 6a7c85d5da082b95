FROM a
 RUN b
