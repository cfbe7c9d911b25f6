package chain_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	at    = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	shop  = chain.ID{Zone: strings.Repeat("5e", 16), Dataset: "http_requests"}
	other = chain.ID{Zone: strings.Repeat("0f", 16), Dataset: "http_requests"}
)

// hostile is what somebody might write where they can.
const hostile = "evil\x1b]0;owned\x07\r\n\u202e\u009b31m\xff.example"

// archive is the screen's data: what it says is made of the seq alone.
type archive struct {
	entries  int
	text     string // in every field that can come from outside
	findings []chain.Finding
	verdict  chain.Verdict
	err      error // of every question
	hang     bool  // Open and Verify end with their context alone
	opens    int
	jobs     []chain.Job
}

func (a *archive) Chains(context.Context) ([]chain.Chain, error) {
	if a.err != nil {
		return nil, a.err
	}
	if a.entries < 0 {
		return nil, nil
	}
	return []chain.Chain{{ID: shop, Name: "shop.example" + a.text}, {ID: other}}, nil
}

func state(seq int64) chain.State {
	switch {
	case seq == 0:
		return chain.Observation
	case seq == 150:
		return chain.Hold
	case seq == 160:
		return chain.Key
	case seq == 170:
		return chain.Expiry
	case seq > 200 && seq < 204:
		return chain.Gap
	case seq > 0 && seq < 20:
		return chain.Expired
	case seq%24 == 3:
		return chain.Empty
	}
	return chain.Sealed
}

func start(seq int64) time.Time {
	return at.Truncate(time.Hour).Add(time.Duration(seq-400) * time.Hour)
}

func (a *archive) Open(ctx context.Context, id chain.ID, progress func(chain.Progress)) (chain.Book, error) {
	a.opens++
	progress(chain.Progress{Stage: "entries", Chain: id, Done: 128, Total: int64(a.entries)})
	if a.hang {
		<-ctx.Done()
		return chain.Book{}, ctx.Err()
	}
	if a.err != nil {
		return chain.Book{}, a.err
	}
	b := chain.Book{
		Chain: chain.Chain{ID: id, Name: "shop.example" + a.text}, Archive: "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d", At: at,
		Windows: 400, Gaps: 3, Expired: 19, Lines: 8_431_022, Bytes: 812_345_678, First: start(1), Last: start(401), Notices: []string{"chain: a note" + a.text},
		Holes:    []chain.Hole{{From: start(201), To: start(204), What: "gap (too_old)" + a.text}},
		Findings: a.findings,
		Head: chain.Head{
			Size: int64(a.entries), Root: "lPKQtzHSNTmmH5lpLWSE799bNwAn3oumeoIz+g134R8=", Key: "rainlogs/5b0c+8b2f21ab+Aa27" + a.text, Trust: chain.Pinned, Remembered: 380,
			Note: "rainlogs/5b0c\n400\nlPKQ=\n\n— rainlogs/5b0c iy8h\n" + a.text, Published: at.Add(-9 * time.Minute), Timestamps: []int64{200, 300},
			Handovers: []chain.Handover{{Seq: 160, At: start(160), Key: "rainlogs/5b0c+new" + a.text}},
		},
	}
	for seq := range int64(a.entries) {
		b.Entries = append(b.Entries, state(seq))
		unix := int64(0)
		switch state(seq) {
		case chain.Sealed, chain.Empty, chain.Expired, chain.Gap:
			unix = start(seq).Unix()
		}
		b.Starts = append(b.Starts, unix)
	}
	return b, nil
}

func (a *archive) Rows(_ context.Context, _ chain.ID, seqs []int64) ([]chain.Row, error) {
	if a.err != nil {
		return nil, a.err
	}
	var out []chain.Row
	for _, seq := range seqs {
		r := chain.Row{Seq: seq, State: state(seq), Kind: "log" + a.text, SealedAt: start(seq + 1), Lines: 1000 + seq*37%977, Bytes: 100_000 + seq*7919%77_777, Text: a.text}
		r.From, r.To = start(seq), start(seq+1)
		switch r.State {
		case chain.Gap:
			r.Kind, r.Text = "gap", "too_old"
		case chain.Observation, chain.Hold, chain.Key, chain.Expiry:
			r.Kind, r.Text, r.From = []string{2: "observation", 4: "expiry", 5: "hold", 6: "key"}[r.State], "of something", time.Time{}
		}
		out = append(out, r)
	}
	return out, nil
}

func (a *archive) Entry(_ context.Context, _ chain.ID, seq int64) (chain.Entry, error) {
	if a.err != nil {
		return chain.Entry{}, a.err
	}
	e := chain.Entry{
		Seq: seq, Kind: "log" + a.text, State: state(seq), From: start(seq), To: start(seq + 1), First: start(seq).Add(-5 * time.Minute), Last: start(seq + 1).Add(-time.Millisecond),
		Object: fmt.Sprintf("logs/%s/%s%s.ndjson.zst", shop.Zone, start(seq).Format("2006/01/02/15"), a.text), SHA256: strings.Repeat("ab", 32), Raw: fmt.Sprintf(`{"seq":%d}`, seq),
		Sections: []chain.Section{
			{Facts: []chain.Fact{{Name: "window from", Time: start(seq)}, {Name: "to", Time: start(seq + 1)}, {Name: "collector", Value: "rainlogs 1.0.0 on host" + a.text}}},
			{Title: "object", Facts: []chain.Fact{{Name: "key", Value: "logs/" + shop.Zone + "/2026/03/14/" + a.text}, {Name: "SHA-256", Value: strings.Repeat("ab", 32)}}},
			{Title: "in the chain" + a.text, Facts: []chain.Fact{{Name: "inclusion" + a.text, Value: "proven: 9 hashes lead from it to the signed root of 401 entries"}}},
		},
		Tally: chain.Tally{From: start(seq), Step: time.Minute, Buckets: make([][6]int64, 60)},
	}
	for i := range e.Tally.Buckets {
		e.Tally.Buckets[i][2] = int64(10 + i*7%31)
		e.Tally.Buckets[i][5] = int64(i % 3)
	}
	return e, nil
}

func (a *archive) Verify(ctx context.Context, job chain.Job, progress func(chain.Progress)) (chain.Verdict, error) {
	a.jobs = append(a.jobs, job)
	progress(chain.Progress{Stage: "objects", Done: 250_000_000, Total: 1_000_000_000, Bytes: true, Found: 2, Elapsed: 5 * time.Second})
	if a.hang {
		<-ctx.Done()
		return chain.Verdict{}, ctx.Err()
	}
	v := a.verdict
	v.Job = job
	return v, a.err
}

func damage(text string) []chain.Finding {
	return []chain.Finding{
		{Chain: shop, Code: "object-changed", Seq: 330, Object: "logs/" + text, Want: "sha256 " + strings.Repeat("ab", 32), Got: "sha256 " + strings.Repeat("cd", 32) + text,
			Text: "the object of entry 330 is not the one that was sealed" + text, Meaning: "an object's stored bytes are not those that were sealed", Remedy: "Bring the sealed bytes back from a replica."},
		{Chain: shop, Code: "object-missing", Seq: 395, Object: "logs/b", Text: "the object of entry 395 is not in the store", Meaning: "an object that was sealed is gone", Remedy: "Bring it back."},
		{Chain: other, Code: "rollback", Seq: -1, Text: "older", Meaning: "put back", Remedy: "Stop."},
	}
}

func damaged(text string) chain.Verdict {
	return chain.Verdict{
		At: at.Add(time.Minute), Took: 83 * time.Second, Entries: 401, Objects: 396, ObjectsDue: 398, Stored: 812_000_000, StoredDue: 812_345_678,
		Content: 9_812_000_000, Findings: damage(text), Notices: []string{"a notice" + text},
	}
}

func keys(t testing.TB) *keymap.Map {
	t.Helper()
	m, err := keymap.New(chain.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// driver is a screen whose commands are run as they come.
type driver struct {
	t       testing.TB
	s       *chain.Screen
	intents []screen.Intent
}

func drive(t testing.TB, data chain.Data, size tuitest.Size, o theme.Options) *driver {
	t.Helper()
	d := &driver{t: t, s: chain.New(chain.Config{Data: data, Keys: keys(t), Local: time.FixedZone("CET", 3600)})}
	d.s.SetTheme(theme.New(o))
	d.s.SetSize(size.Width, size.Height)
	d.run(d.s.Init())
	return d
}

// run runs a command and all that come of it.
func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			d.run(c)
		}
	default:
		intent, next := d.s.Update(msg)
		if intent != nil {
			d.intents = append(d.intents, intent)
		}
		d.run(next)
	}
}

func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"esc": tea.KeyEscape, "enter": tea.KeyEnter, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "tab": tea.KeyTab,
		"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace,
	}
	if code, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	if name == "shift+tab" {
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	}
	if name == "space" {
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// press presses keys and returns what the last one asked for.
func (d *driver) press(names ...string) screen.Intent {
	var last screen.Intent
	for _, name := range names {
		intent, cmd := d.s.Update(keyOf(name))
		last = intent
		d.run(cmd)
	}
	return last
}

func (d *driver) text() string { return ansi.Strip(d.s.View()) }

func (d *driver) sees(want ...string) {
	d.t.Helper()
	for _, w := range want {
		if !strings.Contains(d.text(), w) {
			d.t.Errorf("%q is not shown:\n%s", w, d.text())
		}
	}
}

func (d *driver) seesNot(no ...string) {
	d.t.Helper()
	for _, w := range no {
		if strings.Contains(d.text(), w) {
			d.t.Errorf("%q is shown:\n%s", w, d.text())
		}
	}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "empty", "loading", "error"} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				t.Run(name+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					data := &archive{entries: 401, verdict: damaged("")}
					switch name {
					case "empty":
						data.entries = 0
					case "error":
						data.err = errors.New("list chains: /srv/archive/\x1b[2Jchain: permission denied")
					}
					d := drive(t, data, size, o)
					if name == "loading" {
						d.s.Show(nil) // and its commands are not run
					} else {
						d.run(d.s.Show(nil))
					}
					if name == "full" {
						d.press("v", "enter", "tab", "enter")
					}
					tuitest.Golden(t, name+"-"+sizeName+"-"+themeName, d.s.View(), size, o)
				})
			}
		}
	}
}
