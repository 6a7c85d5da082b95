#!/bin/sh
for page in "$1"/*.html; do
    envsubst '$BACKEND' < "$page" > "$page.new"
    mv "$page.new" "$page"
done
exec nginx -g "daemon off;"
