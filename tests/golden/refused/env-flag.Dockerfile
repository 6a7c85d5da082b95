FROM a
ENV --foo A=1
