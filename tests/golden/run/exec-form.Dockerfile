FROM a
RUN ["/bin/sh", "-c", "echo hello"]
