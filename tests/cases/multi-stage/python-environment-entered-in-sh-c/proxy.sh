#!/bin/sh
. $HOME/local/python3/bin/activate
exec pproxy -l http://:8080
