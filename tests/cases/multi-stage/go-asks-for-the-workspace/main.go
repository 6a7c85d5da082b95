package main

import (
	"fmt"
	"go/build"
)

func main() {
	folder, err := build.Import("example.com/board/static", "", build.FindOnly)
	fmt.Println(folder.Dir, err)
}
