#!/bin/sh
set -e
make
cp collector /usr/bin/
