FROM a
   