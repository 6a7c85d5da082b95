#!/bin/sh
exec apache2ctl -D FOREGROUND
