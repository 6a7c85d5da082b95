#!/bin/sh
where=/usr/share/nginx/html
echo "window.settings = { api: \"$API\" }" > "$where/settings.js"
