FROM a
RUN <<Ü
x
Ü
RUN b
