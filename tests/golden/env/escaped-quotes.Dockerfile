FROM a
ENV A="a\"b" B=a\"b C='a\' D=1
