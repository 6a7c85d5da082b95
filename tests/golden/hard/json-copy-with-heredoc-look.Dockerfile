FROM a
COPY ["<<EOF", "b"]
RUN c
