  FROM a
	RUN b
 	 CMD c
