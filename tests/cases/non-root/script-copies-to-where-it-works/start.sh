#!/bin/sh
cp /etc/collector/settings.yaml $(pwd)/settings.yaml
exec java -jar collector.jar
