package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "high water at six") })
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
