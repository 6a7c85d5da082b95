module example.org/sends

go 1.22
