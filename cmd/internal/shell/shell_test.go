package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a shell over an engine that answers with the SQL it was asked.
type bench struct {
	*Shell
	asked    []worker.Question
	out, err bytes.Buffer
	covered  bool
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{covered: true}
	b.Shell = New(Config{
		Ask: b.answer, Data: func() io.WriteCloser { return nopCloser{&b.out} }, Err: &b.err,
		Now: func() time.Time { return time.Unix(0, 0) },
		Range: func(from, to string) (dataset.Range, error) {
			at, err := time.Parse(time.RFC3339, from)
			return dataset.Range{From: at}, err
		},
	}, worker.Question{})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) answer(ctx context.Context, q worker.Question) (*query.Result, error) {
	b.asked = append(b.asked, q)
	switch {
	case strings.Contains(q.SQL, "wait"):
		<-ctx.Done()
		return nil, fmt.Errorf("%w: %w", query.ErrInterrupted, ctx.Err())
	case strings.Contains(q.SQL, "fail"):
		return nil, fmt.Errorf("%w: no \x1b[31m", query.ErrSQL)
	}
	var p query.Provenance
	p.Coverage.Complete = b.covered
	p.SQL = q.SQL
	rows := iter.Seq2[[]any, error](func(yield func([]any, error) bool) { yield([]any{q.SQL}, nil) })
	return query.NewResult([]query.Column{{Name: "sql", Type: "VARCHAR"}}, p, rows, nil), nil
}

func (b *bench) sql() (out []string) {
	for _, q := range b.asked {
		out = append(out, q.SQL)
	}
	return out
}

func TestScript(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "more.sql")
	if err := os.WriteFile(file, []byte("SELECT\n 'read;';\n.quit\nSELECT never;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "out.csv")
	script := fmt.Sprintf(`.range 2026-11-23T14:00:00Z
.zone a,b c
CREATE MACRO f() AS 1; -- kept
SELECT 1; SELECT 2
;
.reset
.format csv
.output '%s'
.read '%s'
.output
.saved top_clients top=3
.provenance
SELECT 3`, output, file)
	if err := b.Script(t.Context(), strings.NewReader(script)); err != nil {
		t.Fatal(err)
	}
	saved := b.asked[4].SQL
	want := []string{"CREATE MACRO f() AS 1", "CREATE MACRO f() AS 1\n;\nSELECT 1", "CREATE MACRO f() AS 1\n;\nSELECT 2", "SELECT\n 'read;'", saved, "SELECT 3"}
	if diff := cmp.Diff(want, b.sql()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(saved, "$top") || b.asked[4].Params["top"] != "3" {
		t.Errorf("saved query %q, %v", saved, b.asked[4].Params)
	}
	q := b.asked[5]
	if q.Range.From.IsZero() || cmp.Diff([]string{"a", "b", "c"}, q.Zones) != "" {
		t.Errorf("asked of %v, %v", q.Range, q.Zones)
	}
	if got, err := os.ReadFile(output); err != nil || string(got) != "sql\n\"SELECT\n 'read;'\"\n" {
		t.Errorf("output %q, %v", got, err)
	}
	if !strings.Contains(b.out.String(), `"coverage"`) || !strings.Contains(b.out.String(), "sql\nSELECT 3\n") {
		t.Errorf("printed %s", b.out.String())
	}
}

func TestScriptStops(t *testing.T) {
	t.Parallel()
	for script, text := range map[string]string{
		"SELECT 1;\n\nSELECT\nfail;\nSELECT never;": "line 3: ",
		".nothing\nSELECT never;":                   "line 1: ",
		".read /nonexistent\nSELECT never;":         "no such file",
		".r\n":                                      "is no command",
		".saved nothing":                            "no such saved query",
		".format xml":                               "is none of table",
		".provenance":                               "no answer yet",
		".timer maybe":                              "on or off",
		".read 'a":                                  "not closed",
	} {
		b := newBench(t)
		err := b.Script(t.Context(), strings.NewReader(script))
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(strings.Join(b.sql(), ""), "never") {
			t.Errorf("%q: %v, asked %q", script, err, b.sql())
		}
	}
	b := newBench(t)
	loop := filepath.Join(t.TempDir(), "loop.sql")
	if err := os.WriteFile(loop, []byte(".read '"+loop+"'"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Do(t.Context(), ".read '"+loop+"'"); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("a file that reads itself: %v", err)
	}
}

// typed are lines as somebody types them.
type typed struct {
	lines      []string // "^C" is Ctrl-C
	prompts    []string
	remembered []string
}

func (l *typed) Prompt(prompt string) (string, error) {
	l.prompts = append(l.prompts, prompt)
	if len(l.lines) == 0 {
		return "", io.EOF
	}
	line := l.lines[0]
	if l.lines = l.lines[1:]; line == "^C" {
		return "", ErrAborted
	}
	return line, nil
}

func (l *typed) Remember(line string) { l.remembered = append(l.remembered, line) }

func TestInteract(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.covered = false
	interrupts := make(chan os.Signal, 1)
	b.cfg.Bar = func() (func(worker.Progress), func()) {
		if len(b.asked) == 1 {
			interrupts <- os.Interrupt // while the second is asked
		}
		return nil, func() {}
	}
	lines := &typed{lines: []string{"SELECT", "1;", "SELECT wait;", "SELECT dropped", "^C", "SELECT fail; SELECT never;", ".timer on", "SELECT 2;", ""}}
	if err := b.Interact(t.Context(), lines, interrupts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"SELECT\n1", "SELECT wait", "SELECT fail", "SELECT 2"}, b.sql()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"SELECT 1;", "SELECT wait;", "SELECT fail; SELECT never;", ".timer on", "SELECT 2;"}, lines.remembered); diff != "" {
		t.Error(diff)
	}
	if lines.prompts[1] != goesOn || lines.prompts[2] != prompt {
		t.Errorf("prompts %q", lines.prompts)
	}
	said := b.err.String()
	for _, want := range []string{"interrupted\n", `error: query refused by the SQL engine: no \x1b[31m`, "! the range is not wholly covered", "time      "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
	if strings.Count(said, "interrupted") != 1 {
		t.Errorf("said %s", said)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	w := newWords()
	w.saved = []string{"bytes_out", "scanners"}
	w.all = map[string][]string{"view": {"logs", "windows"}, "column": {"ClientIP", "ClientASN"}, "keyword": {"SELECT", "SET"}, "function": {"count("}}
	for _, test := range []struct {
		line, head string
		list       []string
	}{
		{"sel", "", []string{"select"}},
		{"SEL", "", []string{"SELECT"}},
		{"SELECT é, cli", "SELECT é, ", []string{"ClientASN", "ClientIP"}},
		{"SELECT cou", "SELECT ", []string{"count("}},
		{"SELECT 1 FROM ", "SELECT 1 FROM ", []string{"logs", "windows"}},
		{"SELECT ", "SELECT ", nil},
		{".fo", "", []string{".format"}},
		{".format nd", ".format ", []string{"ndjson"}},
		{".saved sca", ".saved ", []string{"scanners"}},
	} {
		head, list, tail := w.Complete(test.line+"|", len([]rune(test.line)))
		if diff := cmp.Diff(test.list, list); diff != "" || head != test.head || tail != "|" {
			t.Errorf("%q: %q, %q, %s", test.line, head, tail, diff)
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "sql_history")
	if _, err := loadHistory(path); err != nil {
		t.Fatal(err)
	}
	for i := range 2*maxHistory + 1 {
		if err := appendHistory(path, fmt.Sprintf("SELECT %d;", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(appendHistory(path, "bad \x1b]0;x\a"), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time of a file that was cut
		lines, err := loadHistory(path)
		if err != nil || len(lines) != maxHistory || lines[maxHistory-1] != fmt.Sprintf("SELECT %d;", 2*maxHistory) {
			t.Errorf("%d lines, %v", len(lines), err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}
