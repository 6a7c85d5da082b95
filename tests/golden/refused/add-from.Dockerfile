FROM a
ADD --from=x a b
