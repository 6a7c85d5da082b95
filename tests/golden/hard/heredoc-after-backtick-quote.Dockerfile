FROM a
RUN echo `echo "` <<EOF
RUN b
