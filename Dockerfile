# The tool's own image: one static program, and git, which `dockwright pr` pushes with.
#
#   docker build --tag dockwright .
#   docker run --rm --volume "$PWD:/work" dockwright check

FROM rust:1.95-bookworm AS builder
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin dockwright --target "$(uname -m)-unknown-linux-musl" \
    && cp target/*/release/dockwright /usr/local/bin/dockwright

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 dockwright \
    && useradd --system --uid 10001 --gid dockwright --create-home dockwright
COPY --from=builder /usr/local/bin/dockwright /usr/local/bin/dockwright
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["dockwright"]
CMD ["--help"]
