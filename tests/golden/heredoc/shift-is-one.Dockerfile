FROM a
RUN echo $((1<<2))
RUN echo 1<<2
x
2
