package main

import "os"

func main() { _ = os.MkdirAll("./downloads", 0o755) }
