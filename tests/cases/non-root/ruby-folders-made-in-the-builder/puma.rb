bind "tcp://0.0.0.0:9292"
bind "unix:///srv/counter/tmp/sockets/puma.sock"
