FROM a
RUN echo ${A%%.*} ${B##*/} ${C/x/y} <<EOF
x
EOF
RUN b
