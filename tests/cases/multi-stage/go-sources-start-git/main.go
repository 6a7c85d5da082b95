package main

import (
	"net/http"
	"os/exec"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		out, _ := exec.CommandContext(r.Context(), "git", "-C", "/repository", "blame", r.URL.Path[1:]).Output()
		w.Write(out)
	})
	http.ListenAndServe(":8080", nil)
}
