module example.org/gallery

go 1.24
