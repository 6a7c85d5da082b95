FROM a
ENV A='b\' C=d
