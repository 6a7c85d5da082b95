#!/bin/sh
set -e
echo "starting the labels"
exec java $JAVA_OPTS -jar labels.jar
