FROM a
COPY --fr\
om=x a b
