FROM a
ONBUILD COPY <<-E /x
	a
	E
RUN b
