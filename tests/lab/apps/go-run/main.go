package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	page, err := os.ReadFile("web/index.html")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, %s!\n", os.Getenv("GREETING"), r.URL.Query().Get("name"))
	})
	log.Println("Server started on port 8000")
	log.Fatal(http.ListenAndServe(":8000", nil))
}
