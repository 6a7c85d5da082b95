#!/bin/sh
/usr/bin/supervisord
