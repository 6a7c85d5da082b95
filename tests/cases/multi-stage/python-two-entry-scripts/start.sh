#!/bin/bash
git rev-parse HEAD || true
curl -s http://config/ > /tmp/config.json
exec gunicorn app:app
