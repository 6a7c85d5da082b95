#!/bin/bash
set -e
exec /docker-entrypoint.py --smp 1
