ARG A=1 \
    B \
    # c
    C=3
FROM a:$A
