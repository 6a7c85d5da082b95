FROM a
COPY \
# c
--chown=a b c
