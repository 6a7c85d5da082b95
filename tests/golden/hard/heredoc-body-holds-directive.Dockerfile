FROM a
COPY <<EOF /x
# escape=`
EOF
RUN b \
 c
