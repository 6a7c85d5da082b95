FROM a
RUN --network=foo b
