FROM a
ENV ſ=1
RUN ıx
