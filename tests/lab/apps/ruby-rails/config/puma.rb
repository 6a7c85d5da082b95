port 3000
pidfile "tmp/pids/server.pid"
