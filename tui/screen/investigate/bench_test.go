package investigate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// many answers as if there were ten million rows.
type many struct {
	*fake
}

func (m many) Histogram(ctx context.Context, v inquiry.View, n int) (investigate.Histogram, error) {
	h := investigate.Histogram{From: v.From, To: v.To, Step: v.To.Sub(v.From) / time.Duration(n), Complete: true, Evidence: "1440 windows, by the pinned key", Total: 10_000_000}
	for i := range n {
		h.Buckets = append(h.Buckets, investigate.Bucket{Counts: [6]int64{2: int64(80_000 + i*977%20_000), 3: 900, 4: int64(i * 31 % 700), 5: int64(i % 3)}})
	}
	return h, nil
}

func (m many) Rows(_ context.Context, v inquiry.View, columns []string, first int64, n int) (investigate.Page, error) {
	p := investigate.Page{Total: 10_000_000, First: first}
	for i := range int64(n) {
		r := investigate.Row{Ref: inquiry.Ref{Archive: archive, Zone: zone, Dataset: v.Dataset, Seq: (first + i) / 7000, Line: (first+i)%7000 + 1}, Time: v.From.Add(time.Duration(first+i) * 8 * time.Millisecond), Status: 200 + int(i%4)*100}
		for k := range columns {
			r.Cells = append(r.Cells, fmt.Sprintf("/value/%d/of/column/%d", first+i, k))
		}
		p.Rows = append(p.Rows, r)
	}
	return p, nil
}

// BenchmarkKey is from a key to the frame after it, over ten million rows at 120x40.
func BenchmarkKey(b *testing.B) {
	for name, keys := range map[string][]string{
		"down": {"down"}, "page": {"pgdown"}, "column": {"right", "left"}, "facet": {"shift+tab"}, "brush": {"right", "right"}, "typing": {"a", "b"}, "record": {"down"},
	} {
		b.Run(name, func(b *testing.B) {
			f := newFake(2000, 20*time.Hour)
			s := newScreen(b, f, func(c *investigate.Config) { c.Data = many{f} })
			s.SetTheme(theme.New(theme.Options{Dark: true}))
			s.SetSize(120, 38)
			answerAll(s, s.Init())
			switch name {
			case "brush":
				tab(s)
			case "typing":
				s.Update(keyMsg("f"))
			case "record":
				s.Update(keyMsg("enter"))
			}
			if s.View() == "" {
				b.Fatal("nothing is drawn")
			}
			i := 0
			for b.Loop() {
				_, cmd := s.Update(keyMsg(keys[i%len(keys)]))
				_ = s.View()
				i++
				b.StopTimer()
				answerAll(s, cmd)
				b.StartTimer()
			}
		})
	}
}

func tab(s *investigate.Screen) { s.Update(keyMsg("tab")) }

func answerAll(s *investigate.Screen, cmds ...tea.Cmd) {
	for len(cmds) > 0 {
		cmd := cmds[0]
		cmds = cmds[1:]
		if cmd == nil {
			continue
		}
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			cmds = append(cmds, msg...)
		default:
			_, next := s.Update(msg)
			cmds = append(cmds, next)
		}
	}
}
