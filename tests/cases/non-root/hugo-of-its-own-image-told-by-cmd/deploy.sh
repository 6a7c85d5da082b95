#!/bin/sh
docker build -t site . && docker push site
