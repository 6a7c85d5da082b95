FROM a
RUN << EOF
a
EOF
RUN cat << 	 EOF
a
EOF
RUN b
