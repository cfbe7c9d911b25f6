package exhibit_test

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/exhibit"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

const archiveID = "00000000-0000-0000-0000-000000000000"

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lineOf is the line with a number, counted over all windows.
func lineOf(n int) string {
	agent := fmt.Sprintf("agent %d", n)
	if n == 12 {
		agent = "=cmd|' /C calc'!A0\x7f\u202e"
	}
	b, _ := json.Marshal(agent)
	return fmt.Sprintf(`{"EdgeStartTimestamp":%d,  "EdgeResponseStatus":200,"ClientRequestUserAgent":%s,"Score":-5,"L":["a",1],"N":null}`, noon.Add(time.Duration(n)*time.Second).UnixNano(), b)
}

// sealed is an archive of windows of 7 lines, the last of one that has no line feed, and its signed chain.
func sealed(t *testing.T, windows int) (*datasettest.Archive, exhibit.Chain, evidence.PublicKey) {
	t.Helper()
	a := datasettest.New(t, datasettest.Zone)
	for w := range windows {
		var content strings.Builder
		for i := range 7 {
			content.WriteString(lineOf(w*7+i) + "\n")
		}
		a.Window(noon.Add(time.Duration(w)*time.Minute), time.Minute, content.String())
	}
	key, err := chain.GenerateKey(rand.Reader, evidence.KeyName(archiveID))
	must(t, err)
	origin := evidence.Origin(archiveID, a.ID)
	c := exhibit.Chain{ID: a.ID, Entries: a.Entries, VKey: key.Public().VKey(), Trust: "pinned"}
	var stored tree
	for i, e := range a.Entries {
		b, err := evidence.Encode(e)
		must(t, err)
		more, err := tlog.StoredHashes(int64(i), b, stored)
		must(t, err)
		stored = append(stored, more...)
	}
	c.Head = evidence.Checkpoint{Origin: origin, Size: int64(len(a.Entries))}
	c.Head.Root, err = tlog.TreeHash(c.Head.Size, stored)
	must(t, err)
	signer, err := key.Signer(origin)
	must(t, err)
	c.Signed, err = evidence.SignCheckpoint(c.Head, signer)
	must(t, err)
	return a, c, key.Public()
}

type tree []tlog.Hash

func (h tree) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, h[i])
	}
	return out, nil
}

// marked is the line with a number as a bookmark.
func marked(n int) inquiry.Bookmark {
	return inquiry.Bookmark{Ref: inquiry.Ref{Archive: archiveID, Zone: datasettest.Zone, Dataset: "http_requests", Seq: int64(1 + n/7), Line: int64(1 + n%7)},
		Time: noon.Add(time.Duration(n) * time.Second), Note: fmt.Sprintf("note %d", n)}
}

// journal is that of a case with a note.
func journal(t *testing.T) (raw []byte, head string) {
	t.Helper()
	b, err := casebook.Open(casebook.Config{Dir: t.TempDir(), Archive: archiveID, Who: "ann@desk", Program: "test"})
	must(t, err)
	c, err := b.Create(t.Context(), "Incident")
	must(t, err)
	must(t, c.Note(t.Context(), "called the bank"))
	state, raw, err := c.Journal()
	must(t, err)
	return raw, state.Head
}

func request(t *testing.T, a *datasettest.Archive, c exhibit.Chain, numbers ...int) exhibit.Request {
	raw, head := journal(t)
	r := exhibit.Request{Store: a.Store, Archive: archiveID, Chains: []exhibit.Chain{c}, CaseName: "incident", CaseTitle: "Incident \x1b", CaseHead: head,
		Journal: raw, Who: "ann@desk", Program: "rainlogs test", Now: noon, TempDir: t.TempDir()}
	for _, n := range numbers {
		r.Bookmarks = append(r.Bookmarks, marked(n))
	}
	return r
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	must(t, err)
	return string(b)
}

// TestWrite: the lines are those that were sealed, and prove themselves.
func TestWrite(t *testing.T) {
	t.Parallel()
	a, c, key := sealed(t, 5)
	dir := filepath.Join(t.TempDir(), "new")
	r := request(t, a, c, 3, 12, 13, 30)
	var progress []int64
	r.Progress = func(done, total int64) { progress = append(progress, done, total) }
	res, err := exhibit.Write(t.Context(), dir, r)
	must(t, err)
	if diff := cmp.Diff([]int64{1, 4, 3, 4, 4, 4}, progress); diff != "" {
		t.Error(diff)
	}
	if want := lineOf(3) + "\n" + lineOf(12) + "\n" + lineOf(13) + "\n" + lineOf(30) + "\n"; read(t, res.Folder, "records.ndjson") != want {
		t.Errorf("records are %s", read(t, res.Folder, "records.ndjson"))
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, res.Folder, "records.csv"))).ReadAll()
	must(t, err)
	if diff := cmp.Diff([]string{"_n", "_time", "_note", "_zone", "_dataset", "_seq", "_line", "_link",
		"EdgeStartTimestamp", "EdgeResponseStatus", "ClientRequestUserAgent", "Score", "L", "N"}, rows[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2", "2026-01-01T12:00:12Z", "note 12", datasettest.Zone, "http_requests", "2", "6", marked(12).Ref.Permalink(),
		"1767268812000000000", "200", "'=cmd|' /C calc'!A0\ufffd\u202e", "-5", `["a",1]`, ""}, rows[2]); diff != "" {
		t.Error(diff)
	}
	if text := read(t, res.Folder, "README.txt"); !strings.Contains(text, key.VKey()) || strings.Contains(text, "\x1b") || !strings.Contains(text, "sed -n 6p | cmp - <(sed -n 2p records.ndjson)") {
		t.Error(text)
	}
	for _, k := range []*evidence.PublicKey{nil, &key} {
		rep, err := exhibit.Check(res.Folder, k)
		if err != nil || !rep.OK() || rep.Records != 4 || rep.Files != 9 || rep.Events != 2 || rep.Pinned != (k != nil) || rep.SHA256 != res.SHA256 {
			t.Errorf("%+v, %v", rep, err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sha256sum", "-c", "--strict", "SHA256SUMS")
	cmd.Dir = res.Folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v %s", err, out)
	}
	again, err := exhibit.Write(t.Context(), dir, r)
	must(t, err)
	if filepath.Base(again.Folder) != "rainlogs-incident-20260101T120000Z-2" {
		t.Errorf("a second one lies in %s", again.Folder)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

// TestCheck: whatever is changed is found, SHA256SUMS made anew or not.
func TestCheck(t *testing.T) {
	t.Parallel()
	a, c, key := sealed(t, 3)
	_, _, other := sealed(t, 1)
	for name, change := range map[string]struct {
		file string
		do   func(s string) string
		want string
	}{
		"a line":          {"records.ndjson", func(s string) string { return strings.Replace(s, "agent 3", "agent 4", 1) }, "record 1"},
		"a line less":     {"records.ndjson", func(s string) string { return s[:strings.Index(s, "\n")+1] }, "has 1 lines"},
		"a line more":     {"records.ndjson", func(s string) string { return s + "{}\n" }, "has more lines"},
		"lines swapped":   {"records.ndjson", func(s string) string { l := strings.SplitAfter(s, "\n"); return l[1] + l[0] }, "is not line"},
		"another line":    {"provenance.json", func(s string) string { return strings.Replace(s, `"line": 4`, `"line": 5`, 1) }, "address"},
		"another object":  {"provenance.json", func(s string) string { return strings.Replace(s, `"object": "`, `"object": "x`, 1) }, "another object"},
		"an entry":        {"entries/" + datasettest.Zone + "-http_requests-1.json", func(s string) string { return strings.Replace(s, `"plugin":"test"`, `"plugin":"best"`, 1) }, "not in the tree"},
		"the signed root": {"chains/" + datasettest.Zone + "-http_requests.txt", func(s string) string { return strings.Replace(s, "\n4\n", "\n5\n", 1) }, "not signed"},
		"the journal":     {"case.jsonl", func(s string) string { return strings.Replace(s, "bank", "boss", 1) }, "provenance.json names"},
		"its beginning":   {"case.jsonl", func(s string) string { return strings.Replace(s, "Incident", "Accident", 1) }, "does not follow"},
		"its end":         {"case.jsonl", func(s string) string { return s[:strings.Index(s, "\n")+1] }, "provenance.json names"},
		"the note":        {"provenance.json", func(s string) string { return strings.Replace(s, "note 3", "note X", 1) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := exhibit.Write(t.Context(), t.TempDir(), request(t, a, c, 3, 12))
			must(t, err)
			path := filepath.Join(res.Folder, filepath.FromSlash(change.file))
			before := read(t, path)
			after := change.do(before)
			if after == before {
				t.Fatal("nothing was changed")
			}
			must(t, os.WriteFile(path, []byte(after), 0o600))
			rep, err := exhibit.Check(res.Folder, &key)
			must(t, err)
			if text := strings.Join(rep.Faults, "\n"); !strings.Contains(text, change.file+" was changed") || !strings.Contains(text, change.want) {
				t.Errorf("found is %s", text)
			}
			resum(t, res.Folder)
			rep, err = exhibit.Check(res.Folder, &key)
			must(t, err)
			if text := strings.Join(rep.Faults, "\n"); rep.OK() != (change.want == "") || !strings.Contains(text, change.want) {
				t.Errorf("with new sums, found is %s", text)
			}
		})
	}
	res, err := exhibit.Write(t.Context(), t.TempDir(), request(t, a, c, 3, 12))
	must(t, err)
	if rep, err := exhibit.Check(res.Folder, &other); err != nil || rep.OK() || rep.Records != 0 {
		t.Errorf("by another key: %+v, %v", rep, err)
	}
	must(t, os.WriteFile(filepath.Join(res.Folder, "more"), nil, 0o600))
	if rep, err := exhibit.Check(res.Folder, &key); err != nil || len(rep.Faults) != 1 {
		t.Errorf("a file more: %+v, %v", rep, err)
	}
	if _, err := exhibit.Check(t.TempDir(), nil); err == nil {
		t.Error("an empty folder is a bundle")
	}
}

func resum(t *testing.T, folder string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "cut -c67- SHA256SUMS | xargs sha256sum > new; mv new SHA256SUMS")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
}

// TestLeft: records that cannot be had are named, the others handed out.
func TestLeft(t *testing.T) {
	t.Parallel()
	a, c, key := sealed(t, 3)
	good := a.Store.Objects[a.Entries[1].Object.Key]
	bad := []byte(strings.Repeat("x", len(good)))
	a.Store.Objects[a.Entries[1].Object.Key] = bad
	r := request(t, a, c, 3, 4, 12)
	r.Bookmarks = append(r.Bookmarks, inquiry.Bookmark{Ref: inquiry.Ref{Archive: "other", Zone: datasettest.Zone, Dataset: "http_requests", Line: 1}}, marked(12), marked(100))
	r.Bookmarks[4].Ref.Line = 8
	dir := t.TempDir()
	res, err := exhibit.Write(t.Context(), dir, r)
	must(t, err)
	damaged := 0
	for _, l := range res.Left {
		if l.Damaged {
			damaged++
		}
	}
	if res.Records != 1 || len(res.Left) != 5 || damaged != 2 {
		t.Errorf("%+v", res)
	}
	if rep, err := exhibit.Check(res.Folder, &key); err != nil || !rep.OK() || rep.Records != 1 || len(rep.Left) != 5 {
		t.Errorf("%+v, %v", rep, err)
	}
	if text := read(t, res.Folder, "README.txt"); strings.Count(text, "NOT HERE") != 5 {
		t.Error(text)
	}
	r.Bookmarks = r.Bookmarks[:2]
	if _, err := exhibit.Write(t.Context(), dir, r); err == nil || !strings.Contains(err.Error(), "none of the 2 records") {
		t.Errorf("nothing is handed out: %v", err)
	}
	r.Bookmarks = nil
	if _, err := exhibit.Write(t.Context(), dir, r); !errors.Is(err, exhibit.ErrNothing) {
		t.Error(err)
	}
	forged := c
	forged.Entries = c.Entries[:3]
	if _, err := exhibit.Write(t.Context(), dir, request(t, a, forged, 12)); err == nil {
		t.Error("entries that were not signed are handed out")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := exhibit.Write(ctx, dir, request(t, a, c, 12)); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
