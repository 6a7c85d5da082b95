package main

import "flag"

var config = flag.String("config", "", "")

func main() { flag.Parse() }
