  	FROM 	 alpine	 AS   base  	
RUN ls
