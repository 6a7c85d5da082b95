#!/bin/sh
set -e
if [ ! -f /usr/local/etc/php/php.ini ]; then
    printf 'upload_max_filesize = %s\npost_max_size = %s\n' "$UPLOAD_LIMIT" "$UPLOAD_LIMIT" > /usr/local/etc/php/php.ini
fi
exec "$@"
