#!/bin/sh
java -jar orders.jar &
sleep 30
jcmd orders.jar VM.flags
wait
