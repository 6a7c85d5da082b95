FROM golang:1.22 AS build
RUN go build
FROM scratch
COPY --from=build /app /app
FROM build AS test
RUN go test
