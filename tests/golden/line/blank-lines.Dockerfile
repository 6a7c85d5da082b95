

  
FROM a
	

RUN b


