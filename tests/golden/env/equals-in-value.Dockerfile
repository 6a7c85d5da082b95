FROM a
ENV A=b=c B="=" C==
