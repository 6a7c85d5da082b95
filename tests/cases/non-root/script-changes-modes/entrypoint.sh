#!/bin/bash
set -e
chmod 755 /srv/report/bin/collect.sh
/srv/report/bin/collect.sh | exec python /srv/report/report.py
