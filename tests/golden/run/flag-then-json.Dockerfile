FROM a
RUN --mount=type=ssh ["git", "fetch"]
