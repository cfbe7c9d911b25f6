package table_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

var columns = []table.Column{{Name: "time", Width: 8}, {Name: "status", Width: 6, Right: true}, {Name: "path", Width: 10}}

func rows(first, count int64) []table.Row {
	var out []table.Row
	for i := range count {
		out = append(out, table.Row{Cells: []string{fmt.Sprint(first + i), "200", "/p\x1b[31m/" + strings.Repeat("日本", int((first+i)%40))}, Status: 200})
	}
	return out
}

func serve(t *table.Table) (asked int) {
	for {
		first, count, ok := t.Need()
		if !ok {
			return asked
		}
		t.Fill(first, rows(first, count))
		asked++
	}
}

func lines(t *testing.T, tab *table.Table, width, height int) []string {
	t.Helper()
	view := tab.View(theme.New(theme.Options{Plain: true}), true)
	out := strings.Split(view, "\n")
	if len(out) != height {
		t.Fatalf("%d lines, want %d", len(out), height)
	}
	for _, l := range out {
		if w := ansi.StringWidth(l); w != width {
			t.Fatalf("a line of %d cells, want %d: %q", w, width, l)
		}
		if strings.Contains(ansi.Strip(l), "\x1b") || strings.Contains(l, "\x1b[31m") {
			t.Fatalf("an escape came through: %q", l)
		}
	}
	return out
}

// TestAnyRowOfTenMillion: each row can be gone to, with a page or two fetched for it, and the memory bounded.
func TestAnyRowOfTenMillion(t *testing.T) {
	t.Parallel()
	const total = 10_000_000
	tab := &table.Table{Columns: columns}
	tab.SetSize(60, 20)
	tab.Reset(total)
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed seed
	for range 500 {
		row := rng.Int64N(total)
		tab.To(row)
		if asked := serve(tab); asked > 2 {
			t.Fatalf("row %d took %d pages", row, asked)
		}
		if tab.Cursor() != row {
			t.Fatalf("at %d, want %d", tab.Cursor(), row)
		}
		view := lines(t, tab, 60, 20)
		if !strings.Contains(strings.Join(view, "\n"), fmt.Sprintf("▌ %-8d", row)) {
			t.Fatalf("row %d is not shown under the cursor:\n%s", row, strings.Join(view, "\n"))
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	tab := &table.Table{Columns: columns}
	tab.SetSize(40, 6)
	if tab.Cursor() != -1 {
		t.Errorf("cursor %d in an empty table", tab.Cursor())
	}
	lines(t, tab, 40, 6)
	tab.Reset(3)
	tab.Move(100)
	if tab.Cursor() != 2 {
		t.Errorf("cursor %d, want the last row", tab.Cursor())
	}
	tab.Move(-100)
	if tab.Cursor() != 0 {
		t.Errorf("cursor %d, want the first row", tab.Cursor())
	}
	if view := lines(t, tab, 40, 6); !strings.Contains(view[1], "…") {
		t.Errorf("a row that is not here is drawn as %q", view[1])
	}
	serve(tab)
	if _, ok := tab.Row(3); ok {
		t.Error("there is a fourth row")
	}
	tab.Mark(1, table.Bookmarked)
	if view := lines(t, tab, 40, 6); !strings.Contains(view[2], "★") {
		t.Errorf("no bookmark: %q", view[2])
	}
	if row, ok := tab.At(2); !ok || row != 1 {
		t.Errorf("line 2 is row %d, %t", row, ok)
	}
	if _, ok := tab.At(5); ok {
		t.Error("there is a row below the last")
	}
	tab.Scroll(7)
	lines(t, tab, 40, 6)
	tab.SetSize(1, 2)
	lines(t, tab, 1, 2)
	tab.Reset(0)
	if _, _, ok := tab.Need(); ok {
		t.Error("an empty table needs rows")
	}
}

func BenchmarkView(b *testing.B) {
	tab := &table.Table{Columns: columns}
	tab.SetSize(200, 60)
	tab.Reset(10_000_000)
	serve(tab)
	th := theme.New(theme.Options{Dark: true})
	for b.Loop() {
		_ = tab.View(th, true)
	}
}

// TestCell: the cursor's column is seen, is where a click finds it, and is
// drawn apart from its row, in whatever width.
func TestCell(t *testing.T) {
	t.Parallel()
	for _, o := range tuitest.Themes {
		th := theme.New(o)
		for width := 1; width < 90; width += 4 {
			tab := table.Table{ByCell: true}
			for i := range 9 {
				tab.Columns = append(tab.Columns, table.Column{Name: fmt.Sprint("c", i), Width: 3 + 2*i})
			}
			tab.SetSize(width, 4)
			tab.Reset(3)
			tab.Fill(0, []table.Row{{Cells: []string{"a", "日本語", "c", "d", "e", "f", "g", "h", "i"}}, {}, {}})
			for _, to := range []int{0, 8, 4, 3, 6, 1, 100, -100} {
				tab.ToColumn(to)
				view := tab.View(th, true)
				for _, line := range strings.Split(view, "\n") {
					if ansi.StringWidth(line) != width {
						t.Fatalf("width %d, column %d: %d cells", width, to, ansi.StringWidth(line))
					}
				}
				name := tab.Columns[tab.Column()].Name
				head := ansi.Strip(strings.Split(view, "\n")[0])
				at := ansi.StringWidth(head[:max(0, strings.Index(head, name))])
				if found, ok := tab.ColumnAt(at); width > 30 && (!strings.Contains(head, name) || !ok || found != tab.Column()) {
					t.Fatalf("width %d: column %d is not seen, or not found: %q", width, tab.Column(), head)
				}
			}
		}
	}
}
