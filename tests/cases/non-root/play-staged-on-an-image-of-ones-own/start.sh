#!/bin/sh
exec ./target/universal/stage/bin/mirror -Dhttp.port="$PORT"
