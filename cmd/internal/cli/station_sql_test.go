package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
)

// TestPlaced: the messages are DuckDB 1.5's own.
func TestPlaced(t *testing.T) {
	t.Parallel()
	long := "SELECT ClientIP, ClientRequestPath, ClientRequestUserAgent, EdgeResponseStatus, EdgeResponseBytes, ClientCountry, ClientASN, RayIDD, RayID FROM logs"
	for _, test := range []struct{ text, message, said, at string }{
		{"SELECT * FRM logs", "Parser Error: syntax error at or near \"logs\"\n\nLINE 1: SELECT * FRM logs\n                     ^", "Parser Error: syntax error at or near \"logs\"", "logs"},
		{"CREATE TABLE x AS SELECT 1\n;\nSELECT a,\n  nofunc(2) FROM logs", "no a\n\nLINE 2: SELECT a,\n               ^", "no a", "a,\n"},
		{"CREATE TABLE x AS SELECT a;\nSELECT 2", "no a\n\nLINE 1: CREATE TABLE x AS SELECT a\n                                 ^", "no a", "a;"},
		{long, "no\n\nLINE 1: ...sponseStatus, EdgeResponseBytes, ClientCountry, ClientASN, RayIDD, RayID FROM logs\n                                                                      ^", "no", "RayIDD, "},
		{"SELECT 'é日', x", "no\n\nLINE 1: SELECT 'é日', x\n                      ^", "no", "x"},
		{"SELECT 1", "no line", "no line", "-"},
		{"SELECT 1", "odd\n\nLINE x: SELECT\n   ^", "odd\n\nLINE x: SELECT\n   ^", "-"},
		{"SELECT 1", "odd\n\nLINE 9: other\n        ^", "odd", "-"},
		{"SELECT 1", "odd\n\nLINE 1: SELECT 1\n", "odd\n\nLINE 1: SELECT 1\n", "-"},
	} {
		said, at := placed(test.text, test.message)
		if said != test.said {
			t.Errorf("%q: said %q", test.message, said)
		}
		if at < 0 && test.at != "-" || at >= 0 && !strings.HasPrefix(test.text[at:], test.at) {
			t.Errorf("%q: at %d", test.message, at)
		}
	}
}

func FuzzPlaced(f *testing.F) {
	f.Add("SELECT 1;\nSELECT 2", "no\n\nLINE 2: SELECT 2\n        ^")
	f.Fuzz(func(t *testing.T, text, message string) {
		if _, at := placed(text, message); at < -1 || at > len(text) {
			t.Errorf("at %d of %d", at, len(text))
		}
	})
}

func TestSQLTokens(t *testing.T) {
	t.Parallel()
	text := `-- who
SELECT "a b", 'x;', 12, $top, $$y$$ /* z */ FROM logs;` + "\n-- end"
	names := map[sql.Kind]string{sql.Sign: "sign", sql.Name: "name", sql.Quoted: "quoted", sql.String: "string", sql.Number: "number", sql.Comment: "comment", sql.Param: "param"}
	var got []string
	for _, token := range sqlTokens(text) {
		got = append(got, names[token.Kind]+" "+text[token.From:token.To])
	}
	want := []string{"comment -- who", "name SELECT", `quoted "a b"`, "sign ,", "string 'x;'", "sign ,", "number 12", "sign ,", "param $top", "sign ,",
		"string $$y$$", "comment /* z */", "name FROM", "name logs", "sign ;", "comment -- end"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever is typed: tokens are in their order, none is empty, and between them is only space.
func FuzzSQLTokens(f *testing.F) {
	f.Add("SELECT $1, $a$ x, e'\\'' -- \n/* é")
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, token := range sqlTokens(text) {
			if token.From < at || token.To <= token.From || token.To > len(text) || strings.Trim(text[at:token.From], " \t\n\v\f\r") != "" {
				t.Fatalf("%q: %+v behind %d", text, token, at)
			}
			at = token.To
		}
		if strings.Trim(text[at:], " \t\n\v\f\r") != "" {
			t.Fatalf("%q: %q is in no token", text, text[at:])
		}
	})
}

func result(rows int, cell any) *query.Result {
	return query.NewResult([]query.Column{{Name: "x", Type: "VARCHAR"}}, query.Provenance{}, func(yield func([]any, error) bool) {
		for range rows {
			if !yield([]any{cell}, nil) {
				return
			}
		}
	}, nil)
}

// TestKeep: an answer of any size takes what memory it may.
func TestKeep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows int
		cell any
		kept int
		more bool
	}{
		"few": {3, nil, 3, false}, "as many as are kept": {keptRows, int64(7), keptRows, false}, "more": {keptRows + 1, int64(7), keptRows, true},
		"large": {200, strings.Repeat("x", keptCell), 64, true}, "larger cells than are kept": {2, strings.Repeat("é", keptCell), 2, false},
	} {
		var a sql.Answer
		if err := keep(&a, result(test.rows, test.cell), func(sql.Progress) {}); err != nil || len(a.Rows) != test.kept || a.More != test.more {
			t.Errorf("%s: %d rows, more %t, %v", name, len(a.Rows), a.More, err)
		}
		if c := a.Rows[0][0]; len(c.Text) > keptCell || c.Cut != (name == "larger cells than are kept") || c.Null != (name == "few") {
			t.Errorf("%s: a cell of %d bytes, %t, %t", name, len(c.Text), c.Cut, c.Null)
		}
	}
}

func TestStandsOn(t *testing.T) {
	t.Parallel()
	whole := query.Provenance{}
	whole.Coverage = dataset.Coverage{Complete: true, Windows: 24}
	whole.Chains = []dataset.ChainProvenance{{Head: dataset.Head{Pinned: true}}}
	whole.Objects = dataset.ObjectCount{Selected: 24, Verified: 20, Columns: 4}
	doubtful := whole
	doubtful.Coverage = dataset.Coverage{Windows: 24, Incomplete: []dataset.Span{{State: dataset.Gap}, {State: dataset.Missing}, {State: dataset.Gap}}}
	doubtful.Chains = []dataset.ChainProvenance{{}}
	doubtful.Objects.Damaged = []*dataset.DamageError{{}}
	doubtful.Objects.Columns = 0
	for line, p := range map[string]query.Provenance{
		"coverage complete, 24 windows · pinned key · 24 of 24 objects verified, 4 as columns":                                                   whole,
		"key NOT PINNED · DAMAGED objects left out: 1 · coverage INCOMPLETE (2 gap, 1 missing): absence is no proof · 20 of 24 objects verified": doubtful,
	} {
		e := standsOn(p)
		if e.Line != line || e.Sound != (strings.HasPrefix(line, "coverage complete")) || len(e.Footer) < 4 {
			t.Errorf("%q, sound %t, footer %q", e.Line, e.Sound, e.Footer)
		}
	}
}

func TestExportTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "there.csv")
	beside := filepath.Join(dir, "beside.csv")
	for _, path := range []string{there, beside + provenanceSuffix} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := &sqlDesk{}
	for _, test := range []struct {
		target sql.Target
		exists bool
		text   string
	}{
		{sql.Target{Path: filepath.Join(dir, "new.csv"), Format: "csv"}, false, ""},
		{sql.Target{Path: there, Format: "csv"}, true, ""},
		{sql.Target{Path: beside, Format: "csv"}, true, ""},
		{sql.Target{Path: beside, Format: "json"}, false, ""},
		{sql.Target{Path: there, Format: "csv", Replace: true}, false, ""},
		{sql.Target{Path: dir, Format: "csv", Replace: true}, false, "is no file"},
		{sql.Target{Path: filepath.Join(dir, "no", "x.csv"), Format: "csv"}, false, "there is no folder"},
	} {
		out, err := d.target(test.target)
		switch {
		case test.exists != errors.Is(err, sql.ErrExists), test.text != "" && (err == nil || !strings.Contains(err.Error(), test.text)):
			t.Errorf("%+v: %v", test.target, err)
		case test.text == "" && !test.exists && (err != nil || out.Path != test.target.Path || (out.Beside == "") != (test.target.Format == "json")):
			t.Errorf("%+v: %+v, %v", test.target, out, err)
		}
	}
}
