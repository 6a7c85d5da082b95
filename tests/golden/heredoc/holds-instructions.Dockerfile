FROM a
RUN <<EOF
FROM b
RUN c \
CMD ["d"]
# not a comment

EOF
CMD e
