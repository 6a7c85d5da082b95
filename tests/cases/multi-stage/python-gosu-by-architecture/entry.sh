#!/bin/sh
exec gosu nobody uwsgi --ini /app/uwsgi.ini
