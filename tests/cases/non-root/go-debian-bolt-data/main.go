package main
import "go.etcd.io/bbolt"
func main() { bbolt.Open("kv.db", 0600, nil) }
