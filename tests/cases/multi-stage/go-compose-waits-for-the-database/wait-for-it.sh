#!/bin/bash
host=$1
until (echo > /dev/tcp/${host/:/\/}) 2>/dev/null; do sleep 1; done
shift 2
exec "$@"
