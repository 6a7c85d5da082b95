FROM a
COPY --from=nginx:1.27 /etc/nginx /x
COPY --from=0 a b
COPY --from=$X a b
