FROM a
COPY a b /c/
COPY . .
COPY a* b? /d/
