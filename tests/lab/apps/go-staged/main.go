package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

const dir = "/app/pastes"

func main() {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("PUT /{name}", func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Create(filepath.Join(dir, r.PathValue("name")))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		io.Copy(f, r.Body)
		w.WriteHeader(http.StatusCreated)
	})
	http.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(dir, r.PathValue("name")))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
