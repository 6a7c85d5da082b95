#!/bin/sh
set -eu
cat > /usr/share/nginx/html/settings.js <<EOF
window.settings = { api: "${API:-/api}" };
EOF
