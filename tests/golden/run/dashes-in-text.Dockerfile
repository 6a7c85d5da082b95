FROM a
RUN ls --all -- --mount=no
RUN -- --mount=x
