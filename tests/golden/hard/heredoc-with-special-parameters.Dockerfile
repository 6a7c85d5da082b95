FROM a
RUN echo $@ $* $# $? $- $$ $! $0 $12 <<EOF
x
EOF
RUN b
