FROM a
RUN echo it's <<EOF
RUN echo "<<EOF
RUN echo ${a[0]} <<EOF
