#!/bin/sh
cd /home/chatd
exec ./chatd "$@"
