FROM a
RUN ec\
ho b\
  c
