#!/bin/bash
exec helm upgrade --install "$1" "charts/$1"
