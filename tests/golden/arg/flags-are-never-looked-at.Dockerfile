FROM a
ARG --x=1 A
