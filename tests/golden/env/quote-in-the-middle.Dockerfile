FROM a
ENV A="x"y'z'w B=a"b c"d
