FROM a
RUN [true]
