package main

import (
	"net/http"
	"os"
)

func main() {
	port, err := os.ReadFile(os.Getenv("PORT_FILE"))
	if err != nil {
		port = []byte("8080")
	}
	http.ListenAndServe(":"+string(port), nil)
}
