module example.com/pastes

go 1.24
