#!/bin/sh
docker build -t chatd .
