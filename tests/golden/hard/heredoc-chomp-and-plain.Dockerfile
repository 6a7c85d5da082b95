FROM a
RUN cat <<-A <<B
	1
	A
	B
B
RUN b
