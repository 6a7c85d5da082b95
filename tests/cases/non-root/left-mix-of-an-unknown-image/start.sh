#!/bin/sh
exec mix run --no-halt
