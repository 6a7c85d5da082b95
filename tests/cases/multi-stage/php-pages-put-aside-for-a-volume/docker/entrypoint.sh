#!/bin/sh
set -e
cp -a /tmp/pages/. /var/www/public/
exec "$@"
