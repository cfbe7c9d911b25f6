package casebook_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// asWriter makes the test binary a process that adds notes to a case, and
// says of each that it is kept.
const asWriter = "CASEBOOK_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asWriter); dir != "" {
		if err := write(dir, os.Getenv("CASEBOOK_TEST_NAME"), os.Getenv("CASEBOOK_TEST_NOTES")); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func write(dir, who, notes string) error {
	n, err := strconv.Atoi(notes)
	if err != nil {
		return err
	}
	b, err := casebook.Open(casebook.Config{Dir: dir, Archive: archive, Who: who, Program: "test"})
	if err != nil {
		return err
	}
	c, err := b.Case("incident")
	if err != nil {
		return err
	}
	for i := range n {
		if err := c.Note(context.Background(), fmt.Sprintf("%s-%d", who, i)); err != nil {
			return err
		}
		if _, err := fmt.Printf("%s-%d\n", who, i); err != nil {
			return err
		}
	}
	return nil
}

func writer(t *testing.T, dir, who string, notes int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), asWriter+"="+dir, "CASEBOOK_TEST_NAME="+who, fmt.Sprintf("CASEBOOK_TEST_NOTES=%d", notes))
	cmd.Stderr = os.Stderr
	return cmd
}

const archive = "2f1c7a52-6a4e-4f1a-9d6e-0a5d3c8b7e11"

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock goes on by a second with each look at it.
func clock() func() time.Time {
	now := noon
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func open(t *testing.T, dir string, change ...func(*casebook.Config)) *casebook.Book {
	t.Helper()
	cfg := casebook.Config{Dir: dir, Archive: archive, Who: "ann@desk", Program: "rainlogs test", Now: clock()}
	for _, f := range change {
		f(&cfg)
	}
	b, err := casebook.Open(cfg)
	must(t, err)
	return b
}

func incident(t *testing.T, dir string) (*casebook.Book, *casebook.Case) {
	t.Helper()
	b := open(t, dir)
	c, err := b.Create(t.Context(), "Incident")
	must(t, err)
	return b, c
}

func state(t *testing.T, c *casebook.Case) casebook.State {
	t.Helper()
	s, err := c.State()
	must(t, err)
	return s
}

func ref(seq, line int64) inquiry.Ref {
	return inquiry.Ref{Archive: archive, Zone: "5e2a1f0c9b8d7e6f5a4b3c2d1e0f9a8b", Dataset: "http_requests", Seq: seq, Line: line}
}

func journalOf(c *casebook.Case) string { return filepath.Join(c.Dir(), "case.jsonl") }

// said reads what a writer has said that it keeps.
func said(t *testing.T, cmd *exec.Cmd, stop int) (acknowledged []string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if acknowledged = append(acknowledged, lines.Text()); len(acknowledged) == stop {
			must(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // it was killed, or the test sees what is missing
	return acknowledged
}
