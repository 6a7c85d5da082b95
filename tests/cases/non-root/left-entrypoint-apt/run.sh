#!/bin/bash
apt-get update && apt-get install -y $EXTRA
exec bash
