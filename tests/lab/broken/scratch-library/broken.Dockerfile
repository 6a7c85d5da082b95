FROM gcc:12 AS builder
WORKDIR /src
COPY main.c .
RUN gcc -o main main.c -lz

FROM scratch
COPY --from=builder /src/main /main
CMD ["/main"]
