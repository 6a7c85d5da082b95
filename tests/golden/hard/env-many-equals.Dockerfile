FROM a
ENV ======
