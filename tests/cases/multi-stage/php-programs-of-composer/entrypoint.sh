#!/bin/sh
set -e
drush cache:rebuild
exec docker-php-entrypoint "$@"
