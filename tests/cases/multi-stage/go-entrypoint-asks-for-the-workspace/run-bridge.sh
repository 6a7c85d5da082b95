#!/bin/sh
# Room and password are told by a file of whoever runs it.
. "$GOPATH/src/bridge/room.sh"
exec $GOPATH/bin/bridge
