module lab.example/hook

go 1.26
