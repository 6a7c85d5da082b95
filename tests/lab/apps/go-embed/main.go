package main

import (
	"embed"
	"flag"
	"io/fs"
	"log"
	"net/http"
)

//go:embed assets
var assets embed.FS

func main() {
	addr := flag.String("addr", ":8080", "address to listen on")
	flag.Parse()
	sub, err := fs.Sub(assets, "assets")
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", http.FileServer(http.FS(sub)))
	log.Fatal(http.ListenAndServe(*addr, nil))
}
