FROM a
COPY $A ${B:-c} "$D" /e
