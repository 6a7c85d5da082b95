FROM a
ENV A ""
