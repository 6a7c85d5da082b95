ARG V
FROM alpine:${V:-3.20} AS a
FROM ${V:+x/}alpine
