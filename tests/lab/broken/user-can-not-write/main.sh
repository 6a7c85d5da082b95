#!/bin/sh
set -e
echo "begun" > /var/lib/app/state
echo "wrote $(cat /var/lib/app/state)"
