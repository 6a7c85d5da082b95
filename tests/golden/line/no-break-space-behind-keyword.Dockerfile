FROM a
RUN  b 
