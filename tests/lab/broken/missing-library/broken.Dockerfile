FROM gcc:12 AS builder
WORKDIR /src
COPY . .
RUN gcc -shared -fPIC -o libgreet.so greet.c && gcc -o main main.c -L. -lgreet

FROM debian:bookworm-slim
RUN ldconfig
COPY --from=builder /src/main /usr/local/bin/main
CMD ["main"]
