#!/bin/sh
while true; do
  python job.py >> /worker/job.log
  sleep 60
done
