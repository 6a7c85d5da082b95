FROM a
RUN b \
   
