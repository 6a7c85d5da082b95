FROM a
HEALTHCHECK --interval=0 CMD ["curl", "-f", "http://localhost/"]
