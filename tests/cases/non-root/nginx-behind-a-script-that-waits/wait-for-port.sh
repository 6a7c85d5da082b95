#!/bin/sh
set -e
host=${1%:*}
port=${1#*:}
shift
until nc -z "$host" "$port"; do
    sleep 1
done
exec "$@"
