#!/usr/bin/env -S docker build -f
# escape=`
FROM a
RUN b \
 c
