#!/bin/sh
gunicorn library:app --bind unix:/tmp/library.sock &
nginx -g "daemon off;"
