FROM debian:bookworm-slim
COPY --chmod=755 main.sh /usr/local/bin/main.sh
CMD ["main.sh"]
