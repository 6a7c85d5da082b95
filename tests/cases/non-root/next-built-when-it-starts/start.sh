#!/bin/sh
if [ ! -d .next ]; then
  npm run build
fi
exec "$@"
