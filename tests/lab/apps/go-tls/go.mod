module example.com/upcheck

go 1.24
