#!/bin/bash
# The plugin is mounted while we work on it.
echo "gem 'plugin', path: './plugin'" >> Gemfile
bundle install
bundle exec puma -p 3000
