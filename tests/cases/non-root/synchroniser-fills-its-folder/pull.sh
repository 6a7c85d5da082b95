#!/bin/sh
set -e
while true; do
  aws s3 sync "s3://$BUCKET" /srv/site --delete
  sleep 300
done
