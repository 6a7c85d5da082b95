#!/bin/sh
set -e
until mc alias set store "$STORE_URL" "$STORE_USER" "$STORE_PASSWORD"; do
  sleep 1
done
mc mb --ignore-existing store/invoices
