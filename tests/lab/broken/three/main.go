package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	// A name that nothing but a run can tell.
	name := strings.Join([]string{"", string('o') + "pt", "counter"}, "/")
	if err := os.WriteFile(name, []byte("1\n"), 0o644); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("counted")
}
