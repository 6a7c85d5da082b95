FROM a
RUN echo b \\
RUN c
