#!/bin/sh
who | wc -l
