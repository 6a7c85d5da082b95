#!/bin/sh
set -eu

: "${SITE_NAME:=unnamed}"
mkdir -p /run/site
sed "s/@NAME@/$SITE_NAME/" /etc/site/index.tmpl > /run/site/index.html
jq -n --arg name "$SITE_NAME" '{name: $name}' > /run/site/site.json

if [ "$1" = serve ]; then
  exec busybox httpd -f -p 8080 -h /run/site
fi
exec "$@"
