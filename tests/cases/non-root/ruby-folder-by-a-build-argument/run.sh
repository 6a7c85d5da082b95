#!/bin/sh
set -e
bundle exec rake db:migrate
rm -f tmp/pids/server.pid
bin/rails s -b 0.0.0.0
