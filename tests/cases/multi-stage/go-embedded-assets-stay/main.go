package main

import "embed"

//go:embed assets
var assets embed.FS

func main() { assets.Open("assets/index.html") }
