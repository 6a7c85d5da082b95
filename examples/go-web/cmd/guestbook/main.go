// Command guestbook shows a page of greetings.
package main

import (
	"html/template"
	"log"
	"net/http"
	"sync"
)

type book struct {
	mu      sync.Mutex
	entries []string
	page    *template.Template
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text := r.FormValue("text"); r.Method == http.MethodPost && text != "" {
		b.entries = append(b.entries, text)
	}
	if err := b.page.Execute(w, b.entries); err != nil {
		log.Print(err)
	}
}

func main() {
	page := template.Must(template.ParseFiles("templates/index.html"))
	http.Handle("/", &book{page: page})
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	log.Fatal(http.ListenAndServe(":8080", nil))
}
