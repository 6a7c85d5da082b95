#!/bin/bash -e

exec > >(tee -a /var/log/gate/start.log | logger -t gate -s 2>/dev/console) 2>&1

echo "starting"
./gate --quiet
