#!/bin/sh
ffmpeg -i "$1" /tmp/out.mp4
