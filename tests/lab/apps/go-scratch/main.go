// A webhook that counts its calls in memory.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"sync/atomic"
)

func main() {
	listen := flag.String("listen", ":80", "address")
	flag.Parse()
	var calls atomic.Int64
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			calls.Add(1)
		}
		fmt.Fprintf(w, "%d calls\n", calls.Load())
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
