#!/bin/sh
set -e
echo "starting the reports"
exec java $JAVA_OPTS -jar reports.jar
