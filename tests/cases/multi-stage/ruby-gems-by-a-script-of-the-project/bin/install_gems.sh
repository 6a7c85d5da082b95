#!/bin/sh
set -e

if [ "$RACK_ENV" != "development" ]; then
  bundle config set without "development test"
fi
bundle install --jobs 3
