package main

import (
	"log"
	"net/http"
	"os"

	"github.com/joho/godotenv"
)

func main() {
	if err := godotenv.Load(); err != nil {
		log.Fatal("no settings")
	}
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
