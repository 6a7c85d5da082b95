package main

import (
	"io"
	"net/http"
	"os"
)

func store(path string, r io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, r)
	return err
}

func main() {
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	http.HandleFunc("/send", func(w http.ResponseWriter, r *http.Request) {
		store("./sent/"+r.FormValue("name"), r.Body)
	})
	http.HandleFunc("/picture", func(w http.ResponseWriter, r *http.Request) {
		picture, _ := os.Create("./static/pictures/" + r.FormValue("name"))
		io.Copy(picture, r.Body)
	})
	http.HandleFunc("/names", func(w http.ResponseWriter, r *http.Request) {
		names, _ := os.ReadFile("names.json")
		os.WriteFile("names.json", append(names, '\n'), 0o644)
	})
	http.ListenAndServe(":8080", nil)
}
