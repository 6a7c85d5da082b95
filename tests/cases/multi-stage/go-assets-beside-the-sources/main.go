package main

import (
	"fmt"

	"github.com/GeertJohan/go.rice"
)

func main() {
	box := rice.MustFindBox("templates")
	fmt.Println(box.MustString("index.html"))
}
