#!/bin/sh
set -e
for page in /usr/share/nginx/html/*.js; do
  sed -i "s#%BACKEND%#$BACKEND#" "$page"
done
exec nginx -g "daemon off;"
