#!/bin/sh
envsubst < /opt/config.tmpl > /etc/myapp.conf
exec myapp -c /etc/myapp.conf
