FRO\
M a
RU\
# c
N b
