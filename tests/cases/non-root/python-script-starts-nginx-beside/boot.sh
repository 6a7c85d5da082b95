#!/bin/sh
set -e
python manage.py collectstatic --noinput
nginx
exec gunicorn site.wsgi --bind 127.0.0.1:8000
