FROM a
RUN echo ${A:-<<E} <<F
x
F
