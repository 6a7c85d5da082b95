#!/bin/sh
apt-get install -y poppler-utils
bundle install
