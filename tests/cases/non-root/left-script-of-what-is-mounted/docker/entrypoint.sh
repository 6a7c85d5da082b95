#!/bin/sh
set -e
usermod --uid "$(stat -c %u /src)" worker
exec su worker -c "$*"
