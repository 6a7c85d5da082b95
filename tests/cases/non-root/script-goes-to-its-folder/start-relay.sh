#!/bin/sh
cd /relay
if [ ! -e keys.p12 ]; then
  ./make-keys.sh
fi
exec java -jar relay.jar "$@"
