FROM debian:bookworm-slim
COPY app.conf /etc/
COPY --chmod=755 main.sh /usr/local/bin/main.sh
RUN apk add --no-cache curl
CMD ["main.sh"]
