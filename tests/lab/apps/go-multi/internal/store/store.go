// Package store keeps notes in a file of one JSON document a line.
package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Note is one entry.
type Note struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// Path is the data file, from DATA_DIR.
func Path() string {
	dir := os.Getenv("DATA_DIR")
	if dir == "" {
		dir = "data"
	}
	return filepath.Join(dir, "notes.jsonl")
}

// Load reads all notes.
func Load() ([]Note, error) {
	notes := []Note{}
	f, err := os.Open(Path())
	if errors.Is(err, fs.ErrNotExist) {
		return notes, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var n Note
		if err := json.Unmarshal(s.Bytes(), &n); err != nil {
			return nil, err
		}
		notes = append(notes, n)
	}
	return notes, nil
}

// Append writes one note.
func Append(n Note) error {
	f, err := os.OpenFile(Path(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewEncoder(f).Encode(n)
}
