// Testsum reads `go test -json` and writes what a person wants of it: a line a
// package, everything that a failing test said, and the totals on the last
// line. It exits 1 if anything failed, or if no test ran.
//
//	go test -json ./... | go run ./tools/testsum
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
}

// event is a line of `go test -json`, which `go doc test2json` describes;
// build output names its package in ImportPath.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// maxLine bounds a line of input; test2json cuts output well before it.
const maxLine = 16 << 20

// summary holds what has been said and counted so far, and what is to be told.
type summary struct {
	tell                    strings.Builder
	said                    map[string]*strings.Builder // by package, test or build
	passed, failed, skipped int
	broken                  int             // packages that failed without a failing test
	failing                 map[string]bool // packages with a failing test
}

func run(in io.Reader, out io.Writer) error {
	s := &summary{said: map[string]*strings.Builder{}, failing: map[string]bool{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action == "" {
			s.tell.WriteString(lines.Text() + "\n") // not an event: go's own words
		} else {
			s.take(e)
		}
		if err := s.flush(out); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	fmt.Fprintf(&s.tell, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	if err := s.flush(out); err != nil {
		return err
	}
	switch {
	case s.failed > 0 || s.broken > 0:
		return fmt.Errorf("%d tests failed, and %d packages for other reasons", s.failed, s.broken)
	case s.passed == 0:
		return errors.New("no test passed")
	}
	return nil
}

func (s *summary) flush(out io.Writer) error {
	if s.tell.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(out, s.tell.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	s.tell.Reset()
	return nil
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	if e.ImportPath != "" {
		key = e.ImportPath
	}
	switch e.Action {
	case "output", "build-output":
		b := s.said[key]
		if b == nil {
			b = &strings.Builder{}
			s.said[key] = b
		}
		b.WriteString(e.Output)
	case "build-fail":
		s.repeat(key)
	case "pass", "fail", "skip":
		s.end(e, key)
	}
}

func (s *summary) end(e event, key string) {
	if e.Action == "fail" {
		s.repeat(key)
		if e.Test == "" && !s.failing[e.Package] {
			s.broken++ // it does not build, or it died
		}
		s.failing[e.Package] = true
	}
	delete(s.said, key)
	switch {
	case e.Test == "" && e.Action == "pass":
		fmt.Fprintf(&s.tell, "ok  \t%s\t%.1fs\n", e.Package, e.Elapsed)
	case e.Test == "":
	case e.Action == "pass":
		s.passed++
	case e.Action == "fail":
		s.failed++
	default:
		s.skipped++
	}
}

// repeat tells what was said under a key.
func (s *summary) repeat(key string) {
	if b := s.said[key]; b != nil {
		s.tell.WriteString(b.String())
		delete(s.said, key)
	}
}
