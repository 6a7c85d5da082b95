#!/bin/bash
chown -R app /data
exec gosu app "$@"
