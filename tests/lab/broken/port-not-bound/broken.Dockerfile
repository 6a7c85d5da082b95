FROM python:3.11-slim-bookworm
WORKDIR /app
COPY server.py .
COPY public public
ENV PORT=983
EXPOSE 983
USER 65532:65532
CMD ["python", "server.py"]
