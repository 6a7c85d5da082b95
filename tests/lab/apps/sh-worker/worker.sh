#!/bin/bash
# Rotates a report every INTERVAL seconds.
trap 'exit 0' TERM
n=0
while true; do
  n=$((n + 1))
  echo "run $n" >> /var/log/worker/worker.log || exit 1
  sort -r /var/log/worker/worker.log | head -n 5 > "${SPOOL}/latest" || exit 1
  echo "wrote $(wc -l < "${SPOOL}/latest") lines"
  sleep "${INTERVAL:-60}" &
  wait $!
done
