package saved_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/saved"
)

// incident is half an hour of traffic with a scanner (9.9.9.9), a password
// tester (8.8.8.8) who gets in once, and an injection by 7.7.7.7 that is answered.
func incident(t *testing.T) *dataset.Dataset {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	a := datasettest.New(t, datasettest.Zone)
	var b strings.Builder
	n := 0
	add := func(ip, method, path, query string, status, bytes int) {
		fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"ClientIP":%q,"ClientRequestMethod":%q,"ClientRequestPath":%q,"ClientRequestURI":%q,"EdgeResponseStatus":%d,"EdgeResponseBytes":%d,"RayID":"%016x","ClientRequestUserAgent":"ua"}`+"\n",
			start.Add(time.Duration(n)*time.Second).UnixNano(), ip, method, path, path+query, status, bytes, n)
		n++
	}
	for i := range 300 {
		add(fmt.Sprintf("1.1.1.%d", i%50), "GET", fmt.Sprintf("/page/%d", i%7), "", 200, 1000)
	}
	for i := range 80 {
		add("9.9.9.9", "GET", fmt.Sprintf("/.git/%d", i), "", 404, 100)
	}
	for range 40 {
		add("8.8.8.8", "POST", "/login", "", 401, 50)
	}
	add("8.8.8.8", "POST", "/login", "", 302, 50)
	add("7.7.7.7", "GET", "/items", "?id=1%27%20UNION%20SELECT%20password%20FROM%20users", 403, 10)
	add("7.7.7.7", "GET", "/items", "?id=1+union/**/all+select+password", 200, 5_000_000)
	add("1.1.1.1", "GET", "/news", "?q=student+union+selection", 200, 10)
	a.Window(start, 30*time.Minute, b.String())
	return a.Open(dataset.Options{})
}

func TestIncidentQuestions(t *testing.T) {
	t.Parallel()
	d := incident(t)
	e, err := duckdb.Open(context.Background(), duckdb.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	want := map[string]string{
		"scanners": "9.9.9.9 80 80 80", "credential_stuffing": "8.8.8.8 40 1 1", "bytes_out": "7.7.7.7 5000010 5000000 2",
		"top_clients": "9.9.9.9 80 80 8000", "status_by_hour": "2026-01-01 12:00:00 +0000 UTC 424 302 1",
		"sql_injection_success": "2026-01-01 12:07:02 +0000 UTC 7.7.7.7 GET 200",
	}
	all, err := saved.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if _, ok := want[q.Name]; !ok {
			if !traced[q.Name] {
				t.Errorf("%s is not tested", q.Name)
			}
			continue
		}
		if q.Title == "" || q.Description == "" {
			t.Errorf("%s has no title or description: %+v", q.Name, q)
		}
		values, err := q.Values(nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := e.Query(context.Background(), query.Request{SQL: q.SQL, Params: values, Dataset: d})
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		first, count := "", 0
		for row, err := range res.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			if count == 0 {
				first = strings.TrimSuffix(fmt.Sprintln(row[:4]...), "\n")
			}
			count++
		}
		if first != want[q.Name] {
			t.Errorf("%s answers %q, want %q", q.Name, first, want[q.Name])
		}
		if alone := q.Name == "scanners" || q.Name == "credential_stuffing" || q.Name == "sql_injection_success"; alone && count != 1 {
			t.Errorf("%s has %d rows, want 1", q.Name, count)
		}
		if err := res.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	q, err := saved.Parse("x", "-- title: T\n-- description: one\n-- two\n-- param a_b = 50%: help: more\n-- param c =\n-- param d: must\nSELECT 1 -- title: no\n")
	if err != nil {
		t.Fatal(err)
	}
	want := saved.Query{Name: "x", Title: "T", Description: "one two", SQL: q.SQL,
		Params: []saved.Param{{Name: "a_b", Default: "50%", Help: "help: more"}, {Name: "c"}, {Name: "d", Help: "must", Required: true}}}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Error(diff)
	}
	values, err := q.Values(map[string]string{"c": "1", "d": "2"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a_b": "50%", "c": "1", "d": "2"}, values); diff != "" {
		t.Error(diff)
	}
	for _, given := range []map[string]string{{"d": "1", "e": "1"}, {"c": "1"}} {
		if _, err := q.Values(given); err == nil {
			t.Errorf("%v is accepted", given)
		}
	}
	hunt, err := saved.Parse("x", "-- title: T\n-- description: one\n-- severity: High\n-- two\nSELECT 1")
	if err != nil || hunt.Severity != saved.High || hunt.Description != "one two" {
		t.Errorf("%+v, %v", hunt, err)
	}
	hunts := 0
	shipped, err := saved.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range shipped {
		if q.Severity == "" {
			continue
		}
		hunts++
		if _, err := q.Values(nil); err != nil {
			t.Errorf("a hunt that ships runs by itself: %v", err)
		}
	}
	if hunts != 6 {
		t.Errorf("%d hunts ship with the program", hunts)
	}
	for _, text := range []string{"SELECT 1", "-- title: x\n-- severity: awful\nSELECT 1", "-- title: x\n-- severity:\nSELECT 1", "-- title: x\n-- param 1bad = 2\nSELECT 1"} {
		if _, err := saved.Parse("q", text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestLibrary(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(one, "mine.sql"):     "-- title: Mine\nSELECT 1",
		filepath.Join(one, "scanners.sql"): "-- title: My scanners\nSELECT 1",
		filepath.Join(one, "bad.sql"):      "SELECT 1",
		filepath.Join(one, "large.sql"):    "-- title: x\n" + strings.Repeat(" ", 1<<20),
		filepath.Join(one, "notes.txt"):    "no query",
		filepath.Join(two, "mine.sql"):     "-- title: Mine, here\nSELECT 2",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(one, "folder.sql"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := saved.Open(one, two, filepath.Join(two, "none"))
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := saved.All()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(l.All()); got != len(shipped)+1 {
		t.Errorf("%d queries, %d ship with the program", got, len(shipped))
	}
	for name, want := range map[string][2]string{
		"mine": {"Mine, here", filepath.Join(two, "mine.sql")}, "scanners": {"My scanners", filepath.Join(one, "scanners.sql")},
		"bytes_out": {"Where the bytes went", saved.Program},
	} {
		if q, err := l.Find(name); err != nil || q.Title != want[0] || q.From != want[1] {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
	if _, err := l.Find("nope"); !errors.Is(err, saved.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	notices := strings.Join(l.Notices(), "\n")
	for _, word := range []string{"bad.sql is left out", "large.sql is left out", "folder.sql is left out", "saved query scanners is that of " + one, "saved query mine is that of " + two} {
		if !strings.Contains(notices, word) {
			t.Errorf("no notice %q in %s", word, notices)
		}
	}
	if len(l.Notices()) != 5 {
		t.Errorf("notices %q", l.Notices())
	}
}
