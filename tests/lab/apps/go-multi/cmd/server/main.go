// Command server answers over HTTP.
package main

import (
	"encoding/json"
	"log"
	"net/http"

	"example.com/notes/internal/store"
)

func main() {
	http.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		notes, err := store.Load()
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(notes)
	})
	http.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		notes, _ := store.Load()
		n := store.Note{ID: len(notes) + 1}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		if err := store.Append(n); err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	log.Fatal(http.ListenAndServe(":3000", nil))
}
