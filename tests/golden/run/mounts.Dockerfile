FROM a
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=t,required=true --mount=type=bind,source=.,target=/src,rw make
