FROM debian:bookworm-slim
RUN mkdir -p /var/lib/app
COPY --chmod=755 main.sh /usr/local/bin/main.sh
USER 65532:65532
CMD ["main.sh"]
