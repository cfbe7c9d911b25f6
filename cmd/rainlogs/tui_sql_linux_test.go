package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
)

const (
	ctrlL, ctrlQ, ctrlR, ctrlU = "\x0c", "\x11", "\x12", "\x15"
	esc, enter, f8             = "\x1b", "\r", "\x1b[19~"
)

// TestWorkstationSQL asks on a real terminal: an answer and what it stands on,
// a mistake where it is, a question that does not stop by itself, files as rainlogs query writes them, and nothing left behind.
func TestWorkstationSQL(t *testing.T) {
	t.Parallel()
	s, temp := newCollected(t)
	const question = "SELECT EdgeResponseStatus, count(*) AS n FROM logs GROUP BY 1 ORDER BY n DESC, 1"
	c := s.onScreen(t, temp, "tui", "--theme", "dark")
	c.draws(120, 40, "entries, by the pinned key")
	c.types(":sql\r") // its number is another with more screens
	c.draws(120, 40, "asked of all zones, all times")
	c.types(question, ctrlR)
	shown := c.draws(120, 40, "coverage complete")
	for _, want := range []string{"EdgeResponseStatus", "rows, 2 columns", "objects verified", "pinned key"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}

	out := t.TempDir()
	path := filepath.Join(out, "answer.csv")
	c.types(f8)
	c.draws(120, 40, "export the answer")
	c.types(ctrlU, path, enter)
	c.draws(120, 40, "what it stands on is in")
	r := s.run("query", "--format", "csv", question)
	got, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(r.stdout, string(got)); diff != "" {
		t.Errorf("not what rainlogs query says: %s", diff)
	}
	var p query.Provenance
	beside, err := os.ReadFile(path + ".provenance.json")
	must(t, err)
	if err := json.Unmarshal(beside, &p); err != nil || p.SQL != question || !p.Coverage.Complete || p.Objects.Verified+p.Objects.Columns == 0 {
		t.Errorf("provenance: %v, %s", err, beside)
	}
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	c.types(f8)
	c.draws(120, 40, "export the answer")
	c.types(ctrlU, path, enter)
	c.draws(120, 40, "replace the file?")
	c.types("n")
	c.draws(120, 40, "nothing was done")
	if kept, _ := os.ReadFile(path); string(kept) != "mine" {
		t.Errorf("replaced without a yes: %s", kept)
	}
	c.types(f8)
	c.draws(120, 40, "export the answer")
	c.types(ctrlU, filepath.Join(out, "answer.parquet"), enter)
	c.draws(120, 40, "answer.parquet: ")
	if b, err := os.ReadFile(filepath.Join(out, "answer.parquet")); err != nil || !strings.HasPrefix(string(b), "PAR1") {
		t.Errorf("parquet: %.20q, %v", b, err)
	}

	c.types(ctrlL, "SELECT 1,\r  EdgeResponseStatuss FROM logs", ctrlR)
	c.draws(120, 40, "Candidate bindings")
	if shown := c.draws(120, 40, "2:3"); !strings.Contains(shown, "of the question before") {
		t.Errorf("what was known is gone:\n%s", shown)
	}
	c.types(ctrlL, "SELECT levenshtein(repeat('abcdefghij', 60000), repeat('jihgfedcba', 60000))", ctrlR)
	c.draws(120, 40, "esc stops it")
	stopped := time.Now()
	c.types(esc)
	c.draws(120, 40, "* stopped")
	c.types(ctrlL, "SELECT 'forty' || '-two' AS answer", ctrlR)
	c.draws(120, 40, "> forty-two")
	if took := time.Since(stopped); took > 20*time.Second {
		t.Errorf("the next answer came after %s", took)
	}

	c.types(ctrlL, "SELECT levenshtein(repeat('abcdefghij', 60000), repeat('jihgfedcba', 60000))", ctrlR)
	c.draws(120, 40, "esc stops it")
	c.types(ctrlQ)
	must(t, c.cmd.Wait())
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	history := filepath.Join(filepath.Dir(s.dir), "state", "rainlogs", "station_sql_history")
	b, err := os.ReadFile(history)
	must(t, err)
	info, err := os.Stat(history)
	must(t, err)
	first, _ := json.Marshal(question)
	if lines := strings.Split(string(b), "\n"); !slices.Contains(lines, string(first)) || info.Mode().Perm() != 0o600 {
		t.Errorf("history %v: %q", info.Mode(), b)
	}
}
