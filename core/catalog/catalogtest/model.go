package catalogtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// span is how many seconds the model's ledger is long: short, so that windows meet.
const span = 24

// second is what the model knows of one second of the ledger. That windows
// never overlap is built in: a second belongs to one window or to none.
type second struct {
	taken bool
	row   catalog.Window
}

// model is the ledger, second by second, beside the real one.
type model struct {
	b     *bundle
	chain evidence.ChainID
	secs  [span]second
	seq   int64
}

// anySequence compares random sequences of calls with the model.
func anySequence(b *bundle) {
	chains := 0
	rapid.Check(b.T, func(t *rapid.T) {
		chains++ // a chain for each sequence: a catalog for each would cost more than the calls
		m := &model{b: b, chain: evidence.ChainID{Zone: fmt.Sprintf("%032x", chains), Dataset: "http_requests"}}
		t.Repeat(map[string]func(*rapid.T){
			"plan":   m.plan,
			"split":  m.split,
			"update": m.update,
			"commit": m.commit,
			"reset":  m.reset,
			"":       m.check,
		})
	})
}

func drawWindow(t *rapid.T) evidence.Window {
	from := rapid.IntRange(0, span-1).Draw(t, "from")
	return win(from, rapid.IntRange(from+1, min(from+8, span)).Draw(t, "to"))
}

func (m *model) of(w evidence.Window) []second {
	return m.secs[int(w.Start.Sub(epoch).Seconds()):int(w.End.Sub(epoch).Seconds())]
}

func (m *model) put(row catalog.Window) {
	s := m.of(row.Window)
	for i := range s {
		s[i] = second{true, row}
	}
}

// has reports whether the ledger holds a window of these bounds.
func (m *model) has(w evidence.Window) bool { return m.of(w)[0].taken && m.of(w)[0].row.Window == w }

// clash reports whether a window other than w lies in w and meets the condition.
func (m *model) clash(w evidence.Window, meets func(catalog.Window) bool) bool {
	return slices.ContainsFunc(m.of(w), func(s second) bool {
		return s.taken && s.row.Window != w && meets(s.row)
	})
}

func (m *model) final(w catalog.Window) bool { return w.Seq >= 0 }

func (m *model) plan(t *rapid.T) {
	ws := rapid.SliceOfN(rapid.Custom(drawWindow), 1, 3).Draw(t, "windows")
	before := m.secs
	overlap := false
	for _, w := range ws {
		if m.clash(w, func(catalog.Window) bool { return true }) {
			overlap = true
			break
		}
		if !m.has(w) {
			m.put(planned(m.chain, w))
		}
	}
	err := m.b.Plan(m.b.ctx, m.chain, ws)
	if overlap {
		m.secs = before
		if !errors.Is(err, catalog.ErrOverlap) {
			t.Fatalf("plan %v: error is %v, want %v", ws, err, catalog.ErrOverlap)
		}
	} else if err != nil {
		t.Fatalf("plan %v: %v", ws, err)
	}
}

func (m *model) split(t *rapid.T) {
	rows := m.rows()
	if len(rows) == 0 {
		t.Skip("empty ledger")
	}
	row := rapid.SampledFrom(rows).Draw(t, "row")
	from, to := int(row.Window.Start.Sub(epoch).Seconds()), int(row.Window.End.Sub(epoch).Seconds())
	parts := tiles(from, to, rapid.IntRange(1, 5).Draw(t, "size"))
	err := m.b.Split(m.b.ctx, m.chain, row.Window, parts)
	if m.final(row) != (err != nil) {
		t.Fatalf("split %s, which is %s: error is %v", row.Window, row.State, err)
	}
	if err == nil {
		for _, p := range parts {
			w := planned(m.chain, p)
			w.Attempts = row.Attempts
			m.put(w)
		}
	}
}

func (m *model) update(t *rapid.T) {
	w := drawWindow(t)
	if rows := m.rows(); len(rows) > 0 && rapid.Bool().Draw(t, "known") {
		w = rapid.SampledFrom(rows).Draw(t, "row").Window
	}
	row := planned(m.chain, w)
	row.State = rapid.SampledFrom([]catalog.State{
		catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked,
	}).Draw(t, "state")
	row.Attempts = rapid.IntRange(0, 9).Draw(t, "attempts")
	row.NextAt = sec(rapid.IntRange(1, 1000).Draw(t, "next"))
	err := m.b.Update(m.b.ctx, row)
	switch {
	case !m.has(w):
		if !errors.Is(err, catalog.ErrNotFound) {
			t.Fatalf("update %s: error is %v, want %v", w, err, catalog.ErrNotFound)
		}
	case m.final(m.of(w)[0].row):
		if err == nil {
			t.Fatalf("update %s, which is final: no error", w)
		}
	case err != nil:
		t.Fatalf("update %s: %v", w, err)
	default:
		m.put(row)
	}
}

func (m *model) commit(t *rapid.T) {
	before := m.secs
	var rows []catalog.Window
	overlap := false
	for _, w := range rapid.SliceOfN(rapid.Custom(drawWindow), 0, 2).Draw(t, "windows") {
		m.seq++
		row := sealed(m.chain, w, m.seq)
		if rapid.Bool().Draw(t, "lost") {
			row = lost(m.chain, w, m.seq)
		}
		rows = append(rows, row)
		if overlap = overlap || m.clash(w, m.final); !overlap {
			m.cut(w)
			m.put(row)
		}
	}
	err := m.b.Commit(m.b.ctx, catalog.Commit{Head: head(m.chain, m.seq+1), Windows: rows})
	if overlap {
		m.secs = before
		if !errors.Is(err, catalog.ErrOverlap) {
			t.Fatalf("commit %v: error is %v, want %v", rows, err, catalog.ErrOverlap)
		}
	} else if err != nil {
		t.Fatalf("commit %v: %v", rows, err)
	}
}

// cut takes w out of the open windows that it overlaps.
func (m *model) cut(w evidence.Window) {
	for _, row := range m.rows() {
		if row.Window == w || !row.Window.Overlaps(w) {
			continue
		}
		rest := planned(m.chain, row.Window)
		rest.Attempts = row.Attempts
		if row.Window.Start.Before(w.Start) {
			rest.Window = evidence.Window{Start: row.Window.Start, End: w.Start}
			m.put(rest)
		}
		if w.End.Before(row.Window.End) {
			rest.Window = evidence.Window{Start: w.End, End: row.Window.End}
			m.put(rest)
		}
	}
}

func (m *model) reset(t *rapid.T) {
	if err := m.b.Reset(m.b.ctx, m.chain); err != nil {
		t.Fatal(err)
	}
	for i := range m.secs {
		if m.secs[i].row.State == catalog.Pulling {
			m.secs[i].row.State = catalog.Planned
		}
	}
}

// rows is the model's ledger.
func (m *model) rows() []catalog.Window {
	var rows []catalog.Window
	for i, s := range m.secs {
		if s.taken && s.row.Window.Start.Equal(sec(i)) {
			rows = append(rows, s.row)
		}
	}
	return rows
}

func (m *model) check(t *rapid.T) {
	from := rapid.IntRange(0, span-1).Draw(t, "from")
	asked := evidence.Window{Start: sec(from), End: sec(rapid.IntRange(from+1, span).Draw(t, "to"))}
	open := []catalog.State{catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked}
	for _, c := range []struct {
		in     evidence.Window
		states []catalog.State
	}{{win(0, span), nil}, {asked, nil}, {asked, open}} {
		got, err := m.b.Windows(m.b.ctx, m.chain, c.in.Start, c.in.End, c.states...)
		if err != nil {
			t.Fatal(err)
		}
		var want []catalog.Window
		for _, row := range m.rows() {
			if row.Window.Overlaps(c.in) && (c.states == nil || !m.final(row)) {
				want = append(want, row)
			}
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("ledger in %s, states %v (-want +got):\n%s", c.in, c.states, diff)
		}
	}
}
