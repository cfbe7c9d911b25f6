package format_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"iter"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func rows(all ...[]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, row := range all {
			if !yield(row, nil) {
				return
			}
		}
	}
}

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func provenance() query.Provenance {
	p := query.Provenance{SQL: "SELECT 1", Engine: "duckdb v1.5.6", Program: "rainlogs test", AskedAt: start, ElapsedMillis: 12}
	p.Range = dataset.Range{From: start, To: start.Add(time.Hour)}
	p.Chains = []dataset.ChainProvenance{{Zone: "0123456789abcdef0123456789abcdef", Dataset: "http_requests",
		Head: dataset.Head{Size: 42, Root: "cm9vdA==", Key: "rainlogs/test", Pinned: true}}}
	p.Objects = dataset.ObjectCount{Selected: 8, Columns: 5, Verified: 2, Bytes: 4096, Lines: 100,
		Damaged: []*dataset.DamageError{{Seq: 7, Key: "logs/x", Problem: "object is missing"}}}
	p.Coverage = dataset.Coverage{From: start, To: start.Add(75 * time.Minute), Windows: 14, Incomplete: []dataset.Span{
		{Start: start, End: start.Add(5 * time.Minute), State: dataset.Gap, Reason: "too_old", Seq: 9},
		{Start: start.Add(70 * time.Minute), End: start.Add(75 * time.Minute), State: dataset.Missing, Seq: -1}}}
	p.Scan = dataset.ScanStats{Lines: 100, Unreadable: 1, Mistyped: map[string]int64{"EdgeResponseStatus": 2}, Unlisted: []string{"New\x1bField"}}
	return p
}

func result() *query.Result {
	columns := []query.Column{
		{Name: "name", Type: "VARCHAR"}, {Name: "n", Type: "BIGINT"}, {Name: "at", Type: "TIMESTAMP_NS"},
		{Name: "list", Type: "VARCHAR[]"}, {Name: "n", Type: "DECIMAL(10,2)"}, {Name: "any\tthing", Type: "VARCHAR"},
	}
	huge, _ := new(big.Int).SetString("170141183460469231731687303715884105727", 10)
	return query.NewResult(columns, provenance(), rows(
		[]any{"plain", int64(1234567890123456789), start.Add(123456789), query.JSON(`["a","b|c"]`), query.Number("1.10"), true},
		[]any{"", int64(-1), nil, query.JSON(`{"n":12345678901234567890}`), nil, math.Inf(1)},
		[]any{"DENY\rALLOW \x1b[8mhid\x1b]0;t\x07 \u009b2J \u202egnp", nil, start, nil, query.Number("0.00"), []byte{0, 255}},
		[]any{`a,"b"`, huge, start, nil, nil, 0.1},
		[]any{" lead\ttab\nline\\ |*_<b>&`x`[1]", uint64(math.MaxUint64), start, nil, nil, "\xff\xfe"},
		[]any{strings.Repeat("long", 40), int64(0), start, nil, nil, "日本語 è"},
	), nil)
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, f := range format.All {
		var b bytes.Buffer
		if err := format.Write(&b, f, result()); err != nil {
			t.Fatal(err)
		}
		golden(t, string(f), b.Bytes())
	}
	var b bytes.Buffer
	if err := format.WriteFooter(&b, provenance()); err != nil {
		t.Fatal(err)
	}
	golden(t, "footer", b.Bytes())

	b.Reset()
	chainOnly := provenance()
	chainOnly.Objects = dataset.ObjectCount{Selected: 8}
	if err := format.WriteFooter(&b, chainOnly); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "objects   none of 8 needed\n") {
		t.Errorf("footer %q", b.String())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// What a person reads on a terminal must not be able to act on it.
func TestTerminalSafety(t *testing.T) {
	t.Parallel()
	for _, f := range []format.Format{format.Table, format.Markdown} {
		var b bytes.Buffer
		if err := format.Write(&b, f, result()); err != nil {
			t.Fatal(err)
		}
		for i, r := range b.String() {
			if r < ' ' && r != '\n' || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r == '\uFFFD' {
				t.Errorf("%s has %U at %d", f, r, i)
			}
		}
		for line := range strings.Lines(b.String()) {
			if width := displaywidth.String(strings.TrimSuffix(line, "\n")); f == format.Table && width > 300 {
				t.Errorf("a line is %d cells wide", width)
			}
		}
	}
}

func TestMachineFormatsAreExact(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := format.Write(&b, format.JSON, result()); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Columns    []struct{ Name, Type string }
		Rows       []map[string]json.RawMessage
		Provenance struct {
			SQL    string
			Chains []struct{ Size int64 }
		}
	}
	if err := json.Unmarshal(b.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Rows) != 6 || document.Columns[4].Name != "n_2" || document.Provenance.SQL != "SELECT 1" || document.Provenance.Chains[0].Size != 42 {
		t.Errorf("document %+v", document)
	}
	if n := string(document.Rows[0]["n"]); n != "1234567890123456789" {
		t.Errorf("19 digits became %s", n)
	}
	var evil string
	if err := json.Unmarshal(document.Rows[2]["name"], &evil); err != nil || evil != "DENY\rALLOW \x1b[8mhid\x1b]0;t\x07 \u009b2J \u202egnp" {
		t.Errorf("%q, %v", evil, err)
	}

	b.Reset()
	if err := format.Write(&b, format.CSV, result()); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(table) != 7 || table[4][0] != `a,"b"` || table[1][2] != "2026-01-01T12:00:00.123456789Z" || table[5][0] != " lead\ttab\nline\\ |*_<b>&`x`[1]" {
		t.Errorf("%q", table)
	}
}

func TestWideTable(t *testing.T) {
	t.Parallel()
	var all [][]any
	for i := range 3000 {
		all = append(all, []any{int64(i), strings.Repeat("x", i/100)})
	}
	var b bytes.Buffer
	res := query.NewResult([]query.Column{{Name: "i", Type: "BIGINT"}, {Name: "s", Type: "VARCHAR"}}, query.Provenance{}, rows(all...), nil)
	if err := format.Write(&b, format.Table, res); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 3004 || lines[3002] != "(3000 rows)" || lines[1500] != " 1498  xxxxxxxxx" && !strings.HasSuffix(lines[1500], "…") {
		t.Errorf("%d lines, %q, %q", len(lines), lines[1500], lines[3002])
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken row")
	for _, f := range format.All {
		res := query.NewResult([]query.Column{{Name: "a"}}, query.Provenance{}, func(yield func([]any, error) bool) {
			if yield([]any{int64(1)}, nil) {
				yield(nil, broken)
			}
		}, nil)
		var b bytes.Buffer
		if err := format.Write(&b, f, res); !errors.Is(err, broken) {
			t.Errorf("%s: %v", f, err)
		}
		if f == format.JSON && json.Valid(b.Bytes()) {
			t.Error("a document that was cut short is valid JSON")
		}
		if err := format.Write(full{}, f, result()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s to a full disk: %v", f, err)
		}
	}
	if err := format.Write(io.Discard, "xml", result()); err == nil {
		t.Error("an unknown format is written")
	}
	if _, err := format.Parse("xml"); err == nil || !strings.Contains(err.Error(), "ndjson") {
		t.Errorf("error %v does not name the formats", err)
	}
	if f, err := format.Parse("tsv"); err != nil || f != format.TSV {
		t.Errorf("%s, %v", f, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestDoubtsNameTheirZones: where several zones lack something, which lacks what.
func TestDoubtsNameTheirZones(t *testing.T) {
	t.Parallel()
	spans := []dataset.Span{
		{Zone: "a", Start: start, End: start.Add(time.Hour), State: dataset.Missing, Seq: -1},
		{Zone: "b", Start: start, End: start.Add(time.Hour), State: dataset.Gap, Reason: "too_old", Seq: 3},
	}
	var several, one strings.Builder
	format.WriteCoverage(&several, dataset.Coverage{Incomplete: spans}, "")
	format.WriteCoverage(&one, dataset.Coverage{Incomplete: spans[:1]}, "")
	for _, want := range []string{"missing of zone a\n", "gap (too_old) of zone b\n"} {
		if !strings.Contains(several.String(), want) {
			t.Errorf("no %q in\n%s", want, several.String())
		}
	}
	if strings.Contains(one.String(), "of zone") {
		t.Errorf("one zone is named:\n%s", one.String())
	}
}
