// Command oracle prints how BuildKit reads Dockerfiles: one JSON object a file and line, in the form of
// `dockwright parse`. It reads the names of the files from its arguments, or from standard input, one a line.
//
// With -record, it writes each answer beside its file instead: NAME.json for NAME.Dockerfile.
//
// With -words, it reads a table of words from standard input and prints it with what BuildKit's shell lexer makes of
// each: see words.go.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

type heredoc struct {
	Name    string `json:"name"`
	Content string `json:"content"`
	Expand  bool   `json:"expand"`
	Chomp   bool   `json:"chomp"`
}

type instruction struct {
	Name     string    `json:"name"`
	Flags    []string  `json:"flags"`
	Args     []string  `json:"args"`
	JSON     bool      `json:"json"`
	Heredocs []heredoc `json:"heredocs"`
	Start    int       `json:"start_line"`
	End      int       `json:"end_line"`
}

type answer struct {
	Path         string        `json:"path"`
	Error        *string       `json:"error"`
	Escape       string        `json:"escape"`
	Instructions []instruction `json:"instructions"`
}

// flatten gives the arguments of a node as a list: an instruction inside ONBUILD is its name, flags and arguments.
func flatten(node *parser.Node) []string {
	args := []string{}
	for n := node.Next; n != nil; n = n.Next {
		if len(n.Children) > 0 {
			inner := n.Children[0]
			args = append(args, strings.ToLower(inner.Value))
			args = append(args, inner.Flags...)
			args = append(args, flatten(inner)...)
			continue
		}
		args = append(args, n.Value)
	}
	return args
}

func isJSON(node *parser.Node) bool {
	if node.Next != nil && len(node.Next.Children) > 0 {
		return isJSON(node.Next.Children[0])
	}
	return node.Attributes["json"]
}

func read(path string) (out answer) {
	out.Path = path
	out.Instructions = []instruction{}
	fail := func(err error) {
		text := err.Error()
		out.Error = &text
	}
	defer func() {
		if r := recover(); r != nil {
			fail(fmt.Errorf("panic: %v", r))
		}
	}()
	source, err := os.ReadFile(path)
	if err != nil {
		fail(err)
		return
	}
	result, err := parser.Parse(bytes.NewReader(source))
	if err != nil {
		fail(err)
		return
	}
	out.Escape = string(result.EscapeToken)
	for _, node := range result.AST.Children {
		one := instruction{
			Name: strings.ToLower(node.Value), Flags: node.Flags, Args: flatten(node), JSON: isJSON(node),
			Heredocs: []heredoc{}, Start: node.StartLine, End: node.EndLine,
		}
		if one.Flags == nil {
			one.Flags = []string{}
		}
		for _, h := range node.Heredocs {
			one.Heredocs = append(one.Heredocs, heredoc{h.Name, h.Content, h.Expand, h.Chomp})
		}
		out.Instructions = append(out.Instructions, one)
	}
	stages, _, err := instructions.Parse(result.AST, linter.New(&linter.Config{}))
	if err == nil && len(stages) == 0 {
		// The parser has nothing against it, what makes a build of it has.
		err = errors.New("dockerfile contains no stages to build")
	}
	if err != nil {
		fail(err)
	}
	return
}

// record writes the answer for a file beside it. Its path there is its name in the folder above it, wherever that is.
func record(path string) error {
	one := read(path)
	one.Path = filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)))
	if one.Error != nil {
		// What was read before the refusal is no part of the answer.
		one.Escape, one.Instructions = "", []instruction{}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(one); err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(path, filepath.Ext(path))+".json", text.Bytes(), 0o644)
}

func main() {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	answerFor := func(path string) { check(encoder.Encode(read(path))) }
	files := os.Args[1:]
	if len(files) > 0 && files[0] == "-words" {
		check(words(os.Stdin, encoder))
		return
	}
	if len(files) > 0 && files[0] == "-record" {
		answerFor = func(path string) { check(record(path)) }
		files = files[1:]
	}
	for _, path := range files {
		answerFor(path)
	}
	if len(files) == 0 {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			answerFor(lines.Text())
		}
	}
}
