FROM a
RUN cat <<EOF > /x && ls
a
b $C
EOF
RUN b
