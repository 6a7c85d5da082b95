#!/bin/sh
set -e
cp -a /var/www/static/. /data/
exec "$@"
