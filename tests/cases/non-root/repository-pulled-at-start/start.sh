#!/bin/sh
set -e

cd /board
git pull --ff-only origin main || true

cd web
exec node server.js
