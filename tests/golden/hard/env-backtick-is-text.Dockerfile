FROM a
ENV A=`b` D=e
