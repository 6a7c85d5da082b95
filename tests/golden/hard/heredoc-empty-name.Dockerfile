FROM a
RUN cat <<""
RUN b
