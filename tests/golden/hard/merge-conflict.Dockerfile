FROM a
<<<<<<< ours
RUN b
=======
RUN c
>>>>>>> theirs
