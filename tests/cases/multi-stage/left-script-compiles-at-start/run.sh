#!/bin/sh
make all
./server
