FROM a AS x
COPY --from=x --chown=1:1 --chmod=0755 --link --parents --exclude=*.md --exclude=b a /c
COPY --link=true a b
COPY --link=FALSE a b
