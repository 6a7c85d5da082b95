#!/bin/sh
exec composer-cli up
