#!/bin/sh
set -e

echo "Starting the matching service now"
if [ -z "$MODEL" ]; then
    echo "no model is named: the service may answer less ($HOSTNAME)" >&2
fi
exec uvicorn matching:app --host 0.0.0.0 --port 8000
