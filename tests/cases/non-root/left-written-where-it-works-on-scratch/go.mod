module example.com/torrents

go 1.22
