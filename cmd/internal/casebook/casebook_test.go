package casebook_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

func kinds(s casebook.State) (out []casebook.Kind) {
	for _, e := range s.Events {
		out = append(out, e.Kind)
	}
	return out
}

// TestCase: what a person does in a case, and what another reader finds of it.
func TestCase(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	b := open(t, dir, func(c *casebook.Config) { c.Session = true })
	if marks, err := b.Marks(ctx); err != nil || marks != nil {
		t.Fatalf("a book without a case has %v, %v", marks, err)
	}
	late := inquiry.Bookmark{Ref: ref(7, 3), Time: noon.Add(time.Hour), Line: "late\x1b[2J" + strings.Repeat("ä", 5000), Note: "first"}
	early := inquiry.Bookmark{Ref: ref(7, 2), Time: noon.Add(123456789), Line: "early"}
	must(t, b.Mark(ctx, late))
	must(t, b.Mark(ctx, early))
	must(t, b.Mark(ctx, early)) // says nothing new
	late.Note = "second"
	must(t, b.Mark(ctx, late))
	must(t, b.Mark(ctx, inquiry.Bookmark{Ref: ref(9, 1)}))
	must(t, b.Unmark(ctx, ref(9, 1)))
	must(t, b.Unmark(ctx, ref(9, 1)))
	c, err := b.Current()
	must(t, err)
	must(t, c.Note(ctx, " called the bank \n"))
	must(t, c.Rename(ctx, "Card  theft"))
	must(t, c.Asked(ctx, casebook.Query{SQL: "SELECT 1", Rows: 1, Complete: true}))
	must(t, c.HandedOut(ctx, casebook.Export{Folder: "/tmp/x", Records: 2, SHA256: "00"}))
	must(t, c.Verified(ctx, casebook.Verification{Level: "content", Intact: true}))
	must(t, b.Close(ctx))
	must(t, b.Close(ctx))

	again, err := open(t, dir).Case(c.Name())
	must(t, err)
	s := state(t, again)
	want := []casebook.Kind{"created", "bookmark", "bookmark", "note", "bookmark", "unbookmark", "note", "renamed", "query", "export", "verification", "closed"}
	if diff := cmp.Diff(want, kinds(s)); diff != "" {
		t.Error(diff)
	}
	if s.Title != "Card theft" || s.Name != "case-of-2026-03-14" || s.By != "ann@desk" || s.Archive != archive || s.Damage != nil || s.Torn != 0 {
		t.Errorf("%+v", s)
	}
	if len(s.Bookmarks) != 2 || s.Bookmarks[0].Ref != early.Ref || !s.Bookmarks[0].Time.Equal(early.Time) || s.Bookmarks[1].Note != "second" {
		t.Errorf("bookmarks %+v", s.Bookmarks)
	}
	if line := s.Bookmarks[1].Line; len(line) > 2048 || !strings.HasSuffix(line, "ä…") || !strings.HasPrefix(line, "late\x1b") {
		t.Errorf("a long line is %d bytes: %q", len(line), line)
	}
	if diff := cmp.Diff([]casebook.Note{{Time: s.Events[6].Time.UTC(), Who: "ann@desk", Text: "called the bank"}}, s.Notes); diff != "" {
		t.Error(diff)
	}
	for _, err := range []error{c.Note(ctx, " "), c.Rename(ctx, ""), c.Rename(ctx, strings.Repeat("x", 201)), c.Note(ctx, strings.Repeat("x", 65<<10)),
		c.Mark(ctx, inquiry.Bookmark{Ref: inquiry.Ref{Archive: "other", Zone: "z", Dataset: "d", Line: 1}})} {
		if err == nil {
			t.Error("what makes no sense was taken")
		}
	}
	if got := kinds(state(t, c)); got[len(got)-1] != casebook.Opened {
		t.Errorf("who begins to work again does not say so: %v", got)
	}
}

// TestCases: cases of one title have names of their own, and one is chosen.
func TestCases(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	b := open(t, dir)
	var names []string
	for _, title := range []string{"Wörm / π", "worm", "w-rm", "日本"} {
		c, err := b.Create(ctx, title)
		must(t, err)
		names = append(names, c.Name())
	}
	if diff := cmp.Diff([]string{"w-rm", "worm", "w-rm-2", "case"}, names); diff != "" {
		t.Error(diff)
	}
	all, err := b.List()
	must(t, err)
	if len(all) != 4 || all[0].Title != "日本" {
		t.Errorf("%+v", all)
	}
	c, err := b.Case("worm")
	must(t, err)
	must(t, b.Choose(ctx, c))
	other := open(t, dir)
	if c, err := other.Current(); err != nil || c.Name() != "worm" {
		t.Errorf("another process begins with %v, %v", c, err)
	}
	for _, name := range []string{"", "..", "../x", "current", "none", "UPPER", "a/b"} {
		if _, err := b.Case(name); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	reader := open(t, dir, func(c *casebook.Config) { c.ReadOnly = true })
	if err := reader.Mark(ctx, inquiry.Bookmark{Ref: ref(1, 1)}); !errors.Is(err, casebook.ErrReadOnly) {
		t.Errorf("a reader writes: %v", err)
	}
	if _, err := reader.Create(ctx, "x"); !errors.Is(err, casebook.ErrReadOnly) {
		t.Errorf("a reader writes: %v", err)
	}
}

// TestTamper: a journal that was changed is shown up to there, and grows no more.
func TestTamper(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(lines []string) []string{
		"a word":      func(l []string) []string { l[2] = strings.Replace(l[2], "two", "TWO", 1); return l },
		"taken out":   func(l []string) []string { return slices.Delete(l, 2, 3) },
		"swapped":     func(l []string) []string { l[1], l[2] = l[2], l[1]; return l },
		"put in":      func(l []string) []string { return slices.Insert(l, 2, l[1]) },
		"not JSON":    func(l []string) []string { l[2] = "x\n"; return l },
		"newer":       func(l []string) []string { l[3] = strings.Replace(l[3], `"v":1`, `"v":2`, 1); return l },
		"endless":     func(l []string) []string { return append(l[:3], strings.Repeat("x", 2<<20)+"\n") },
		"no version":  func(l []string) []string { l[3] = strings.Replace(l[3], `"v":1`, `"v":0`, 1); return l },
		"another end": func(l []string) []string { l[3] = strings.Replace(l[3], `"n":4`, `"n":5`, 1); return l },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := incident(t, t.TempDir())
			for _, text := range []string{"one", "two", "three"} {
				must(t, c.Note(t.Context(), text))
			}
			raw, err := os.ReadFile(journalOf(c))
			must(t, err)
			changed := strings.Join(change(strings.SplitAfter(string(raw), "\n")[:4]), "")
			must(t, os.WriteFile(journalOf(c), []byte(changed), 0o600))
			fresh, err := open(t, filepath.Dir(b.Dir())).Case("incident")
			must(t, err)
			for _, c := range []*casebook.Case{fresh, c} { // who has read it before sees it too, where the end is another
				s := state(t, c)
				if (name == "a word" || name == "swapped") && c != fresh {
					continue // what is before the end is read again by those that come later
				}
				if s.Damage == nil || len(s.Events) < 1 || len(s.Events) > 3 {
					t.Errorf("%d events, damage %v", len(s.Events), s.Damage)
				}
			}
			var damage *casebook.DamageError
			if err := fresh.Note(t.Context(), "four"); !errors.As(err, &damage) {
				t.Errorf("a changed journal grows: %v", err)
			}
			if after, _ := os.ReadFile(journalOf(c)); string(after) != changed {
				t.Error("a damaged journal was written to")
			}
		})
	}
}

// TestTorn: the beginning of a line is kept beside the journal, which goes on.
func TestTorn(t *testing.T) {
	t.Parallel()
	b, c := incident(t, t.TempDir())
	must(t, c.Note(t.Context(), "one"))
	whole, err := os.ReadFile(journalOf(c))
	must(t, err)
	const torn = `{"v":1,"n":3,"prev":"`
	must(t, os.WriteFile(journalOf(c), append(whole, torn...), 0o600))
	if s := state(t, c); s.Torn != len(torn) || len(s.Events) != 2 || s.Damage != nil {
		t.Errorf("%d torn, %d events, %v", s.Torn, len(s.Events), s.Damage)
	}
	must(t, c.Note(t.Context(), "two"))
	fresh, err := open(t, filepath.Dir(b.Dir())).Case("incident")
	must(t, err)
	s := state(t, fresh)
	if diff := cmp.Diff([]casebook.Kind{"created", "note", "torn", "note"}, kinds(s)); diff != "" || s.Torn != 0 || s.Damage != nil {
		t.Errorf("%s, torn %d, %v", diff, s.Torn, s.Damage)
	}
	kept, err := os.ReadFile(filepath.Join(c.Dir(), s.Events[2].Torn.File))
	if err != nil || string(kept) != torn {
		t.Errorf("kept aside %q, %v", kept, err)
	}
}

// TestKilled: what was acknowledged before a kill is there afterwards, and the case goes on.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, c := incident(t, dir)
	var acknowledged []string
	for _, stop := range []int{1, 7, 20} {
		acknowledged = append(acknowledged, said(t, writer(t, dir, "w"+string(rune('a'+stop)), 10_000), stop)...)
		must(t, c.Note(t.Context(), "in between"))
	}
	checkNotes(t, c, acknowledged)
}

// TestTwoProcesses write to one case at once, and threads of one process.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, c := incident(t, dir)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []string
	for _, who := range []string{"anna", "bert", "carl"} {
		wg.Go(func() {
			notes := said(t, writer(t, dir, who, 40), -1)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, notes...)
		})
		wg.Go(func() {
			for range 20 {
				if err := c.Note(t.Context(), who); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(all) != 120 {
		t.Errorf("%d notes were kept by others", len(all))
	}
	if s := state(t, c); len(s.Notes) != 180 {
		t.Errorf("%d notes", len(s.Notes))
	}
	checkNotes(t, c, all)
}

func checkNotes(t *testing.T, c *casebook.Case, acknowledged []string) {
	t.Helper()
	s := state(t, c)
	if s.Damage != nil {
		t.Fatal(s.Damage)
	}
	have := map[string]bool{}
	for _, n := range s.Notes {
		have[n.Text] = true
	}
	for _, text := range acknowledged {
		if !have[text] {
			t.Errorf("%s was acknowledged and is not there", text)
		}
	}
}

// FuzzJournal: no file makes the reader fail badly, and what it takes is a chain.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"v":1,"n":1,"prev":"` + strings.Repeat("0", 64) + `","time":"2026-03-14T12:00:01.000Z","who":"a@b","program":"p","event":"bookmark","record":{"link":"rainlogs://a/b/c/1/1"}}` + "\n"))
	f.Add([]byte("\n\x00{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		folder := filepath.Join(dir, archive, "incident")
		must(t, os.MkdirAll(folder, 0o700))
		must(t, os.WriteFile(filepath.Join(folder, "case.jsonl"), raw, 0o600))
		c, err := open(t, dir).Case("incident")
		must(t, err)
		s := state(t, c)
		lines := strings.SplitAfter(string(raw), "\n")
		for i, e := range s.Events {
			var read struct{ N int64 }
			if json.Unmarshal([]byte(lines[i]), &read) != nil || read.N != int64(i)+1 || e.N != read.N {
				t.Errorf("event %d is %+v of %q", i, e, lines[i])
			}
		}
		if err := c.Note(t.Context(), "x"); (err == nil) != (s.Damage == nil) {
			t.Errorf("damage %v, and a note ends with %v", s.Damage, err)
		}
	})
}
