#!/bin/sh
trap 'exit 0' TERM
. /etc/app.conf
while :; do
    echo "$message"
    sleep 1 &
    wait
done
