package main

import (
	"flag"
	"log"
	"net/http"
	"os"
)

func main() {
	settings := flag.String("settings", "gallery.yml", "where the settings are")
	flag.Parse()
	text, err := os.ReadFile(*settings)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%d bytes of settings", len(text))
	log.Fatal(http.ListenAndServe(":8080", nil))
}
