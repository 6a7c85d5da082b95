#!/bin/sh
/etc/init.d/uvrepeater start
exec tail -f /dev/null
