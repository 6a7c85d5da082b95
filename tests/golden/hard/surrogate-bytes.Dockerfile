FROM a
RUN echo í €
