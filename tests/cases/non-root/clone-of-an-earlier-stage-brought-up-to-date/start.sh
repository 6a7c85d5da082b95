#!/bin/sh
set -e
LIST_URI="/price-list"
if [ -n "$LIST_COMMIT" ]; then
  cd "$LIST_URI"
  git fetch origin "$LIST_COMMIT"
  git checkout "$LIST_COMMIT"
fi
exec "$@"
