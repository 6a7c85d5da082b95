#!/bin/sh
set -e

[ -d vendor ] || composer install --no-dev --no-interaction
[ -d node_modules ] || npm install
[ -f public/build/manifest.json ] || npm run build

exec "$@"
