bind "unix:///srv/shop/tmp/sockets/puma.sock"
