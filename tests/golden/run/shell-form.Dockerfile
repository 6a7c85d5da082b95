FROM a
RUN echo "a b" && ls -l | wc -l; true
