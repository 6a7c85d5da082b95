FROM a
RUN; b
