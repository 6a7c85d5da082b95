FROM a
COPY -- --a b
COPY --link -- --a b
