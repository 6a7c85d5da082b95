FROM a
ENV server.max=1 with-dash=2 _x=3 1x=4
