FROM python:3.11-slim-bookworm
WORKDIR /app
COPY server.py .
COPY public/index.html public/
EXPOSE 8000
CMD ["python", "server.py"]
