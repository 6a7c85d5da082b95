# unknown=x
# escape=`
FROM a
RUN a \
 c
