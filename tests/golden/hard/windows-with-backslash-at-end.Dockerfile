FROM a
COPY x c:\y\
RUN dir
