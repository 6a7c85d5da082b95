FROM a
RUN echo $(( 1 <<EOF ))
RUN x
))
EOF
