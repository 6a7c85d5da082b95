FROM a
ENV "A B"=1 C"D E"=2
