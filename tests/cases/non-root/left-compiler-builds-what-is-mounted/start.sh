#!/bin/sh
c++ ./client.cpp -o ./client
exec ./client
