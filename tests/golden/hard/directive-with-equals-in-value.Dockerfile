# syntax=a=b
# check=skip=x
FROM a
