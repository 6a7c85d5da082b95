FROM debian:bookworm-slim
COPY app.conf /etc/
COPY --chmod=755 main.sh /usr/local/bin/main.sh
RUN sleep 2718281
CMD ["main.sh"]
