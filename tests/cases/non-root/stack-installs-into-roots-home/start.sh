#!/bin/sh
cd /srv/hooks
hooks-server
