FROM a
COPY a　b c
ENV A=1　B=2
