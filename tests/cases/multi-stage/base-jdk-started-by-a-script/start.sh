#!/bin/bash
set -e
until nc -z db 5432; do
  echo "waiting for the database"
  sleep 1
done
exec java ${JAVA_OPTS:--Xmx256m} -jar orders.jar "$@"
