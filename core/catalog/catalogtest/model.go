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
			"expire": m.expire,
			"remove": m.remove,
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

// put replaces what the row covers by it.
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

// expire names entries in a commit, of which some are none's.
func (m *model) expire(t *rapid.T) {
	seqs := rapid.SliceOfN(rapid.Int64Range(0, m.seq+1), 1, 4).Draw(t, "seqs")
	m.seq++ // the expiry's own
	err := m.b.Commit(m.b.ctx, catalog.Commit{Head: head(m.chain, m.seq+1), Expired: seqs})
	if err != nil {
		t.Fatalf("expire %v: %v", seqs, err)
	}
	for i, s := range m.secs {
		if s.taken && s.row.State == catalog.Sealed && s.row.Object == catalog.Kept && slices.Contains(seqs, s.row.Seq) {
			m.secs[i].row.Object = catalog.Expiring
		}
	}
}

func (m *model) remove(t *rapid.T) {
	seq := rapid.Int64Range(0, m.seq).Draw(t, "seq")
	found := false
	for i, s := range m.secs {
		if s.taken && s.row.Seq == seq && s.row.Object == catalog.Expiring {
			m.secs[i].row.Object, found = catalog.Removed, true
		}
	}
	err := m.b.SetRemoved(m.b.ctx, m.chain, seq)
	if found != (err == nil) || err != nil && !errors.Is(err, catalog.ErrNotFound) {
		t.Fatalf("remove %d, found %t: error is %v", seq, found, err)
	}
}

// checkLists compares what is due, expirable and expiring.
func (m *model) checkLists(t *rapid.T) {
	limit := rapid.IntRange(0, 4).Draw(t, "limit")
	now := sec(rapid.IntRange(0, 1000).Draw(t, "now"))
	edge := sec(rapid.IntRange(0, span).Draw(t, "edge"))
	due, errDue := m.b.Due(m.b.ctx, m.chain, now, limit)
	expirable, errExpirable := m.b.Expirable(m.b.ctx, m.chain, edge, limit)
	expiring, errExpiring := m.b.Expiring(m.b.ctx, m.chain, edge, limit)
	if err := errors.Join(errDue, errExpirable, errExpiring); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []catalog.Window
		is   func(catalog.Window) bool
	}{
		{"due", due, func(w catalog.Window) bool {
			waits := w.State == catalog.Retrying || w.State == catalog.Blocked
			return !m.final(w) && (!waits || !w.NextAt.After(now))
		}},
		{"expirable", expirable, func(w catalog.Window) bool {
			return w.State == catalog.Sealed && w.Object == catalog.Kept && !w.Window.End.After(edge)
		}},
		{"expiring", expiring, func(w catalog.Window) bool {
			return w.Object == catalog.Expiring && !w.Window.Start.Before(edge)
		}},
	} {
		want := slices.DeleteFunc(m.rows(), func(w catalog.Window) bool { return !c.is(w) })
		want = want[:min(limit, len(want))]
		if diff := cmp.Diff(want, c.got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s at %s, edge %s, limit %d (-want +got):\n%s", c.name, now, edge, limit, diff)
		}
	}
}

func (m *model) check(t *rapid.T) {
	m.checkLists(t)
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
		if c.states != nil {
			continue
		}
		stretches, err := m.b.Stretches(m.b.ctx, m.chain, c.in.Start, c.in.End)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(joined(want), stretches, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("stretches in %s (-want +got):\n%s", c.in, diff)
		}
	}
}

// joined makes stretches of windows one by one.
func joined(rows []catalog.Window) (out []catalog.Stretch) {
	for i, row := range rows {
		if i == 0 || rows[i-1].State != row.State || rows[i-1].Reason != row.Reason || rows[i-1].Window.End != row.Window.Start {
			out = append(out, catalog.Stretch{Window: evidence.Window{Start: row.Window.Start}, State: row.State, Reason: row.Reason})
		}
		last := &out[len(out)-1]
		last.Window.End = row.Window.End
		last.Windows, last.Lines, last.Bytes = last.Windows+1, last.Lines+row.Lines, last.Bytes+row.Bytes
	}
	return out
}
