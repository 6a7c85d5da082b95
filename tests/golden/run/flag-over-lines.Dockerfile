FROM a
RUN --mount=type=cache,target=/c \
    --mount=type=ssh \
    # why
    --network=none \
    make
