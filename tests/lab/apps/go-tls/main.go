// Command upcheck asks another service how it is and says when, in the configured time zone.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	zone, err := time.LoadLocation(os.Getenv("TZ_NAME"))
	if err != nil {
		log.Fatalf("time zone: %v", err)
	}
	client := &http.Client{Timeout: 5 * time.Second}

	http.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		resp, err := client.Get(os.Getenv("TARGET_URL"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		io.Copy(w, resp.Body)
	})
	http.HandleFunc("/epoch", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, time.Unix(0, 0).In(zone).Format(time.RFC1123Z))
	})
	log.Fatal(http.ListenAndServe(":9000", nil))
}
