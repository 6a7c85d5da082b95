#!/bin/bash
readonly LOG_FILE="/var/log/upkeep.log"
apt-get -y upgrade >> "$LOG_FILE"
