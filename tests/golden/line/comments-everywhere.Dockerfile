# a
  # b
FROM a
#c
	#d
RUN b
# e