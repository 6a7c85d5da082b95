FROM a
RUN echo ${#A} <<EOF
RUN b
