// Package handlers serves the guest book's pages.
package handlers

import (
	"html/template"
	"net/http"
	"sync"
)

var (
	mu      sync.Mutex
	entries []string
)

// Index lists the entries.
func Index(tmpl *template.Template) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if err := tmpl.ExecuteTemplate(w, "index.html", entries); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// Add appends an entry and goes back to the list.
func Add() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		entries = append(entries, r.FormValue("text"))
		mu.Unlock()
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}
