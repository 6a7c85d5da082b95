package main

func main() { routes() }
