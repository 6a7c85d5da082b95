#!/bin/sh
set -eu
mkdir -p /run/site
sed "s/@NAME@/$NAME/" /etc/site/index.tmpl > /run/site/index.html
exec busybox httpd -f -p 8080 -h /run/site
