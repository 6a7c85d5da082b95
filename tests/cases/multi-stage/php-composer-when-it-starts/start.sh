#!/bin/sh
set -e
[ -f vendor/autoload.php ] || composer install --no-interaction
exec php -S 0.0.0.0:8000 index.php
