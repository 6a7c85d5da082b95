// Command oracle prints how BuildKit reads Dockerfiles: one JSON object a file and line, in the form of
// `dockwright parse`. It reads the names of the files from its arguments, or from standard input, one a line.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
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
	if _, _, err := instructions.Parse(result.AST, nil); err != nil {
		fail(err)
	}
	return
}

func main() {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	answerFor := func(path string) {
		if err := encoder.Encode(read(path)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	for _, path := range os.Args[1:] {
		answerFor(path)
	}
	if len(os.Args) == 1 {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			answerFor(lines.Text())
		}
	}
}
