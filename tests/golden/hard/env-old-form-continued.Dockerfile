FROM a
ENV A b \
   c \
# gone
 d  
