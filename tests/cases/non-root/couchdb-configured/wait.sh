#!/bin/sh
until curl -fs localhost:5984/_up; do sleep 1; done
