FROM a
# café
LABEL a="café" \
  b=ä
RUN echo ÿ \
  && ls
