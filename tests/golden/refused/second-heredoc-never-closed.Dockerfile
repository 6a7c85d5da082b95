FROM a
COPY <<A <<B /c/
1
A
2
