package main

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// environment is a line of the table that sets the variables for the lines after it.
type environment struct {
	Env []string `json:"env"`
}

// word is a line of the table: what is asked, and what BuildKit answers.
type word struct {
	Word   string `json:"word"`
	Escape string `json:"escape"`
	// Result is the word expanded; null where BuildKit refuses it.
	Result *string `json:"result"`
	// Words is the same, split where white space is not quoted.
	Words []string `json:"words"`
	// Reads are the variables that were looked up, set or not, sorted.
	Reads []string `json:"reads"`
	Error string   `json:"error,omitempty"`
}

// words answers a table: the lines that set variables are printed as they are, the others with their answers.
func words(table io.Reader, out *json.Encoder) error {
	lines := bufio.NewScanner(table)
	lines.Buffer(nil, 1<<24)
	var variables environment
	for lines.Scan() {
		var set environment
		if err := json.Unmarshal(lines.Bytes(), &set); err != nil {
			return err
		}
		if set.Env != nil {
			variables = set
			if err := out.Encode(set); err != nil {
				return err
			}
			continue
		}
		var asked word
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		one := word{Word: asked.Word, Escape: asked.Escape, Words: []string{}, Reads: []string{}}
		escape := []rune(one.Escape)[0]
		env := shell.EnvsFromSlice(variables.Env)
		result, err := shell.NewLex(escape).ProcessWordWithMatches(one.Word, env)
		if err != nil {
			one.Error = err.Error()
		} else {
			one.Result = &result.Result
			for name := range result.Matched {
				one.Reads = append(one.Reads, name)
			}
			for name := range result.Unmatched {
				one.Reads = append(one.Reads, name)
			}
			slices.Sort(one.Reads)
			split, err := shell.NewLex(escape).ProcessWords(one.Word, env)
			if err != nil {
				return err
			}
			one.Words = append(one.Words, split...)
		}
		if err := out.Encode(one); err != nil {
			return err
		}
	}
	return lines.Err()
}
