package main

import "os"

func main() { os.ReadFile("templates/board.html") }
