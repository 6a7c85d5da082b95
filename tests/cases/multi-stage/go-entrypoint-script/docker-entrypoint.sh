#!/bin/sh
set -e
shop migrate
exec "$@"
