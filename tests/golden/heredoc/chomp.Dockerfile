FROM a
RUN <<-EOF
	a
		b
  c
	EOF
RUN <<-"E"
	x
		E
