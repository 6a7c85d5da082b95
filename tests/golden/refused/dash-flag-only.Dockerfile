FROM a
COPY --=x a b
