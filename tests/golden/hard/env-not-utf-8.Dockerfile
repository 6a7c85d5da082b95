FROM a
ENV A=é B=Ã(
