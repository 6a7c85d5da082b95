#!/bin/sh
exec /usr/sbin/crond -f
