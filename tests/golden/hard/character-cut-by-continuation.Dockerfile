FROM a
RUN echo â‚\
¬
