# escape=`
FROM a
ENV A="a`"b" B='c`' C=d`"e
LABEL a=b`
  c=d
