FROM a
RUN --mount=type=bind,from=$x,target=/y b
