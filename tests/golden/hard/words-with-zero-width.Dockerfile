FROM a
RUN​ a
