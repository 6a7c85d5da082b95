FROM python:3.11-slim-bookworm
WORKDIR /app
COPY server.py .
COPY public public
EXPOSE 8000
RUN groupadd --system app && useradd --system --gid app app
USER app
CMD ["python", "server.py"]
