#!/usr/bin/env bash
# The official script adds certificates when asked to; nobody asks here.
exec "$@"
