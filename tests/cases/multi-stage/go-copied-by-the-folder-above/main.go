package main

import (
	"net/http"

	"example.org/casts/config"
)

func main() {
	settings := config.Load()
	http.ListenAndServe(settings.GetString("address"), nil)
}
