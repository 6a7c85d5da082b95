FROM python:3.11-bookworm AS builder
WORKDIR /app
COPY . .
RUN gcc -shared -fPIC $(python3-config --includes) -o /usr/local/lib/python3.11/site-packages/_fetch.so fetch.c -lcurl

FROM python:3.11-slim-bookworm
WORKDIR /app
COPY --from=builder /usr/local/lib/python3.11/site-packages/_fetch.so /usr/local/lib/python3.11/site-packages/
COPY . .
CMD ["python", "main.py"]
