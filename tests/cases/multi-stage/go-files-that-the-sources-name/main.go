package main

import (
	"net/http"
	"os"
	"os/exec"

	"github.com/spf13/viper"
)

func show(w http.ResponseWriter, r *http.Request) {
	entries, _ := os.ReadDir("posts")
	for _, entry := range entries {
		text, _ := os.ReadFile("posts/" + entry.Name())
		w.Write(text)
	}
	authors, _ := os.ReadFile("data/authors.txt")
	w.Write(authors)
	out, _ := exec.Command("scripts/visitors.sh").Output()
	w.Write(out)
}

func main() {
	viper.SetConfigName("settings")
	viper.AddConfigPath("config")
	viper.ReadInConfig()
	http.Handle("/docs/", http.StripPrefix("/docs/", http.FileServer(http.Dir("docs"))))
	http.HandleFunc("/", show)
	http.ListenAndServe(viper.GetString("address"), nil)
}
