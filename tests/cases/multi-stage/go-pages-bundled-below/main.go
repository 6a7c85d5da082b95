package main

import (
	"net/http"
	"os"
)

func main() {
	folder := os.Getenv("PAGES")
	if folder == "" {
		folder = "web/dist"
	}
	http.Handle("/", http.FileServer(http.Dir(folder)))
	http.ListenAndServe(":8080", nil)
}
