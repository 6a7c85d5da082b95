#!/bin/sh
while read -r line; do
  printf '%s\n' "$line" | jq -c .
done
