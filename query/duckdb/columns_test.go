package duckdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// hostileLines are what a source may send and no writer of columns expects.
func hostileLines() string {
	long := strings.Repeat("x", 300<<10)
	lines := []string{
		`{"EdgeStartTimestamp":1767225600000000001,"RayID":"a","EdgeResponseStatus":200,"ClientRequestPath":"/è\u0000\n\"\\"}`,
		`{"EdgeStartTimestamp":9223372036854775807,"RayID":17,"EdgeResponseStatus":"200","EdgeResponseBytes":9223372036854775807}`,
		`{"EdgeStartTimestamp":9223372036854775808,"RayID":{"a":[1]},"EdgeResponseStatus":2.5,"EdgeResponseBytes":-9223372036854775808}`,
		`{"EdgeStartTimestamp":"1767225600000000002","RayID":"first","RayID":"second","EdgeResponseStatus":true}`,
		`{"EdgeStartTimestamp":0,"RayID":null,"Cookies":{"a":1,"a":2},"BotTags":["x",null,3],"EdgeResponseCompressionRatio":1e3}`,
		`{"EdgeStartTimestamp":-5,"RayID":"","Cookies":[1,],"BotTags":"x","EdgeResponseCompressionRatio":1e999,"CacheTieredFill":"true"}`,
		`{"EdgeStartTimestamp":1767225600000000003,"RayID":"` + long + `","JA4Signals":{"a":"` + long + `"}}`,
		"{\"EdgeStartTimestamp\":1767225600000000004,\"RayID\":\"\xff\xfe\\u00e8\",\"Cookies\":\"\xff\",\"New\":{\"b\":\"\xff\"}}",
		`{"EdgeStartTimestamp":1767225600000000005,"New":[1,{"a":null}],"new":1,"OnlyHere":"x","BotDetectionIDs":[1,2],"_line":7}`,
		`{"EdgeStartTimestamp":1767225600000000006,"BotDetectionIDs":[1,"2"],"ClientASN":99999999999999999999,"\u0052ayID":"escaped"}`,
		`{"EdgeStartTimestamp":1767225600000000007,"RayID":"\ud800","ClientRequestPath":"\q","RayID2":"` + "\t" + `"}`,
		`not JSON`, `[1,2]`, ``, `{`, `{"EdgeStartTimestamp":1767225600000000008,"RayID":"cut`,
		`{"EdgeStartTimestamp":1767225600000000009,"RayID":"b"} trailing`,
		`{"RayID":"untimed"}`, `{}`, ` {"EdgeStartTimestamp" : 1767225600000000010 , "RayID" : "spaced" } ` + "\r",
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestColumnsAreTheLines compares each cell of the files of columns with what
// the lines themselves give.
func TestColumnsAreTheLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a := datasettest.New(t, datasettest.Zone, "RayID", "New", "OnlyHere")
	a.Window(at, time.Minute, hostileLines())
	a.Window(at.Add(time.Minute), time.Minute, wideLines(3000, at.Add(time.Minute)))
	a.Timestamps = "rfc3339"
	a.Window(at.Add(2*time.Minute), time.Minute,
		`{"EdgeStartTimestamp":"2026-01-01T00:02:00.123456789Z","RayID":"r"}`+"\n"+`{"EdgeStartTimestamp":1767225720000000000,"RayID":"digits"}`)
	a.Timestamps = "unix"
	a.Window(at.Add(3*time.Minute), time.Minute, `{"EdgeStartTimestamp":1767225780,"RayID":"u"}`)
	d := a.Open(dataset.Options{})
	files := buildColumns(t, d)

	e, err := duckdb.Open(context.Background(), duckdb.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fields := fieldsOf(t, d)
	for _, o := range d.Objects() {
		list := append([]string{"_line", "_error", "_zone", "_seq", "_object"}, viewList(fields, files[o.Index])...)
		streamed := make([]string, len(list))
		for i := range list {
			streamed[i] = list[i]
			if i >= 5 {
				streamed[i] = fmt.Sprintf("%q", fields[i-5].Name)
			}
		}
		want := askEngine(t, e, d, fmt.Sprintf("SELECT %s FROM logs WHERE _seq = %d ORDER BY _line", asText(streamed), o.Entry.Seq))
		got := askPlain(t, db, fmt.Sprintf("SELECT %s FROM read_parquet('%s') ORDER BY _line", asText(list), files[o.Index].Path))
		if diff := cmp.Diff(want, got); diff != "" || int64(len(got)) != o.Entry.Content.Lines {
			t.Errorf("entry %d, %d lines (-streamed +columns):\n%.4000s", o.Entry.Seq, len(got), diff)
		}
	}
	checkEvents(t, d, db, files)
}

func buildColumns(t *testing.T, d *dataset.Dataset) []columns.File {
	t.Helper()
	c, err := columns.Open(columns.Config{Dir: filepath.Join(t.TempDir(), "columns")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Build(context.Background(), d.Objects(), columns.BuildOptions{}); err != nil {
		t.Fatal(err)
	}
	var files []columns.File
	for _, o := range d.Objects() {
		f, found := c.Find(o.Entry)
		if !found {
			t.Fatalf("entry %d has no columns", o.Entry.Seq)
		}
		if !f.Answers(fieldsOf(t, d)) {
			t.Errorf("entry %d: columns do not answer for %q", o.Entry.Seq, f.Unlisted)
		}
		files = append(files, f)
	}
	return files
}

func fieldsOf(t *testing.T, d *dataset.Dataset) []schema.Field {
	t.Helper()
	fields, err := d.Columns(t.Context(), columns.Reserved(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// viewList are the columns of the view, made of a file's.
func viewList(fields []schema.Field, f columns.File) (list []string) {
	has := map[string]bool{}
	for _, field := range f.Fields {
		has[field.Name] = true
	}
	for _, field := range fields {
		name := fmt.Sprintf("%q", field.Name)
		switch {
		case !has[field.Name]:
			name = "NULL"
		case field.Type == schema.JSON:
			name = "CAST(" + name + " AS JSON)"
		case field.Type == schema.StringList, field.Type == schema.IntList:
			name = "CAST(CAST(" + name + " AS JSON) AS " + field.Type.SQL() + ")"
		}
		list = append(list, name)
	}
	return list
}

func asText(list []string) string {
	out := make([]string, len(list))
	for i, name := range list {
		out[i] = fmt.Sprintf("CAST(%s AS VARCHAR) AS c%d", name, i)
	}
	return strings.Join(out, ", ")
}

func askEngine(t *testing.T, e *duckdb.Engine, d *dataset.Dataset, text string) (all [][]any) {
	t.Helper()
	res, err := e.Query(context.Background(), query.Request{SQL: text, Dataset: d})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	for row, err := range res.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, append([]any(nil), row...))
	}
	return all
}

func askPlain(t *testing.T, db *sql.DB, text string) (all [][]any) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, to := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkEvents compares _event with the time by which each line was sealed.
func checkEvents(t *testing.T, d *dataset.Dataset, db *sql.DB, files []columns.File) {
	t.Helper()
	var want [][]any
	for line, err := range d.Lines(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, []any{nil, line.Number})
		o := d.Objects()[0]
		for _, p := range d.Objects() {
			if len(want) > linesUpTo(d, p.Index-1) {
				o = p
			}
		}
		if nanos, timed := o.Clock().Read(line.Text); timed {
			want[len(want)-1][0] = nanos
		}
	}
	var got [][]any
	for _, f := range files {
		got = append(got, askPlain(t, db, fmt.Sprintf("SELECT epoch_ns(_event), _line FROM read_parquet('%s') ORDER BY _line", f.Path))...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event times (-sealed +columns):\n%.2000s", diff)
	}
}

func linesUpTo(d *dataset.Dataset, index int) (n int) {
	for _, o := range d.Objects() {
		if o.Index <= index {
			n += int(o.Entry.Content.Lines)
		}
	}
	return n
}
