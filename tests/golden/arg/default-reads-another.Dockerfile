ARG A=1
ARG B=${A}-$A
FROM x:$B
ARG A
ARG C="${A:-no}"
