package main

import (
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	if err := os.MkdirAll("storage", 0o755); err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "storage/ledger.db")
	if err != nil {
		log.Fatal(err)
	}
	schema, err := os.ReadFile("schema.sql")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Exec(string(schema)); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /entries/{amount}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := db.Exec("INSERT INTO entries (amount) VALUES (?)", r.PathValue("amount")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	http.HandleFunc("GET /total", func(w http.ResponseWriter, r *http.Request) {
		var total int
		if err := db.QueryRow("SELECT coalesce(sum(amount), 0) FROM entries").Scan(&total); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, total)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
