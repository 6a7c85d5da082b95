package main

import (
	"html/template"
	"net/http"
)

func main() {
	template.Must(template.ParseGlob("web/templates/*.html"))
	http.ListenAndServe(":8080", http.FileServer(http.Dir("./web/static")))
}
