# The tool's own image: one static program, and git, which `dockwright pr` pushes with.
#
#   docker build --tag dockwright .
#   docker run --rm --volume "$PWD:/work" dockwright check

FROM rust:1.93-alpine3.22 AS builder
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin dockwright

FROM alpine:3.22
RUN apk add --no-cache ca-certificates git openssh-client-default \
    && addgroup -S -g 10001 dockwright \
    && adduser -S -u 10001 -G dockwright dockwright
COPY --from=builder /src/target/release/dockwright /usr/local/bin/dockwright
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["dockwright"]
CMD ["--help"]
