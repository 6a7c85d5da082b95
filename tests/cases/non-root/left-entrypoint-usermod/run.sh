#!/bin/sh
usermod -u "$PUID" app
su app -c server
