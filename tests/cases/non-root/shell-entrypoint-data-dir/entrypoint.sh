#!/bin/bash
mkdir -p /data
curl -s "$URL" | jq . > /data/out.json
