package sql_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

var small = tuitest.Size{Width: 80, Height: 22}

func (b *bench) plain() string { return ansi.Strip(b.View()) }

func (b *bench) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(b.plain(), text) {
			b.t.Errorf("%q is not on the screen:\n%s", text, b.plain())
		}
	}
}

func (f *fake) sqls() (out []string) {
	for _, q := range f.asked {
		out = append(out, q.SQL)
	}
	return out
}

// TestStatements: a run asks the statement at the cursor, behind what it may stand on.
func TestStatements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT 1|":                                "SELECT 1",
		"SELECT 1;| SELECT 2":                      "SELECT 1",
		"SELECT 1; |SELECT 2;":                     "SELECT 2",
		"SELECT 1;\n\n|\nSELECT 2;\n":              "SELECT 2",
		"SELECT 1;\nSELECT 2;\n\n|":                "SELECT 2",
		"|CREATE MACRO f() AS 1; SELECT f()":       "CREATE MACRO f() AS 1",
		"CREATE MACRO f() AS 1; SELECT f()|":       "CREATE MACRO f() AS 1\n;\nSELECT f()",
		"SELECT 9; CREATE TABLE x AS 1; SELECT 2|": "CREATE TABLE x AS 1\n;\nSELECT 2",
		"-- a; b\nSELECT ';'|; SELECT 2":           "-- a; b\nSELECT ';'",
		"-- nothing|":                              "",
		"|":                                        "",
	} {
		data := full()
		b := draw(t, data, small, theme.Options{})
		before, after, _ := strings.Cut(text, "|")
		b.write(before + after)
		for range after {
			b.press("left")
		}
		b.press("ctrl+r")
		if got := strings.Join(data.sqls(), "?"); got != want {
			t.Errorf("%q asks %q, not %q", text, got, want)
		}
		if want != "" && !slices.Equal(data.kept, data.sqls()) {
			t.Errorf("%q: remembered %q", text, data.kept)
		}
	}
}

// TestFault: where the engine sees an error in what was asked is where the text has it.
func TestFault(t *testing.T) {
	t.Parallel()
	data := full()
	data.err = &sql.Fault{Text: "no such column", At: len("CREATE MACRO f() AS 1\n;\nSELECT ")}
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 0;\nCREATE MACRO f() AS 1;\nSELECT 7;\n SELECT x FROM logs")
	b.press("ctrl+r")
	b.sees("no such column", " 4:9 ")
	b.press("y")
	b.sees("SELECT yx FROM logs")
	data.err = nil
	b.press("ctrl+r")
	if strings.Contains(b.plain(), "no such column") {
		t.Error("an error outlives a good answer")
	}
}

// TestStale: an answer to what was stopped is nobody's, and esc ends the question itself.
func TestStale(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	_, cmd := b.Update(keyOf("f5"))
	if intent, again := b.Update(keyOf("f5")); again != nil || intent == nil {
		t.Error("two questions are under way")
	}
	b.sees("asking", "esc stops it")
	b.press("esc")
	if _, ok := b.last().(screen.Say); !ok {
		t.Errorf("esc says %v", b.last())
	}
	b.do(cmd)
	if data.ended != 1 || strings.Contains(b.plain(), "40 rows") {
		t.Errorf("%d questions ended; shown:\n%s", data.ended, b.plain())
	}
	_, late := b.Update(keyOf("f5"))
	b.press("esc")
	data.answer = &sql.Answer{Columns: []sql.Column{{Name: "other", Type: "BIGINT"}}, Rows: [][]sql.Cell{cells("1")}}
	b.press("f5")
	b.sees("1 row,", "other")
	data.answer = full().answer
	b.do(late)
	b.sees("1 row,", "other")
}

// TestErrorKeeps: what was there is there beside the error.
func TestErrorKeeps(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5")
	data.err = errors.New("open archive: permission denied")
	b.press("f5")
	b.sees("✗ open archive: permission denied", "203.0.113.0", "of the question before")
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5", "esc", "end", "G", "home", "down", "right", "right", "right", "right", "enter")
	b.sees("agent, VARCHAR", `evil\x1b]0;owned\x07\r\u202e`)
	b.press("y")
	if c, ok := b.last().(screen.Copy); !ok || strings.ContainsAny(c.Text, "\x1b\r") || !strings.HasPrefix(c.Text, `evil\x1b]0`) {
		t.Errorf("copied %#v", b.last())
	}
	row := func() string { return strings.Split(b.plain(), "\n")[7] }
	for _, step := range []struct{ keys, first string }{
		{"left left left s", "9000"}, // numbers fall first
		{"s", "225"},
		{"s", "9000"},
		{"right s", "2026-03-14T15:00:26.5Z"}, // times rise first
		{"s", "2026-03-14T15:39:26.5Z"},
		{"s", "2026-03-14T15:00:26.5Z"},
	} {
		b.press(strings.Fields("esc e esc " + step.keys)...)
		if !strings.Contains(row(), step.first) {
			t.Errorf("%s: the first row is %s", step.keys, row())
		}
	}
	b.press("s", "end")
	if !strings.Contains(b.plain(), "▌     4500 NULL") {
		t.Errorf("NULL is not last:\n%s", b.plain())
	}
	b.press("u")
	b.sees("16:39:26.5+01:00", "times in CET", "by last_seen ↑")
	b.press("/", "a", "g", "e", "enter")
	b.sees("row 40, agent")
	b.press("v")
	b.sees("country    gb", `agent      evil\x1b]0`)
	b.press("q", "b")
	b.sees("█")
	b.press("b", "p")
	b.sees("! coverage INCOMPLETE, 24 windows")
	b.press("q", "e", "x")
	b.sees("SELECT 1x")
}

// TestSortBeside: the rows stay as they are until they are sorted, and an order that is not wanted any more is dropped.
func TestSortBeside(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5", "esc", "right")
	before := b.plain()
	row := func() string { return strings.Split(b.plain(), "\n")[7] }
	_, falls := b.Update(keyOf("s"))
	b.sees("sorting", strings.Split(before, "\n")[7])
	_, rises := b.Update(keyOf("s"))
	b.send(falls())
	b.sees("sorting", strings.Split(before, "\n")[7])
	b.send(rises())
	if !strings.Contains(row(), " 225 ") || strings.Contains(b.plain(), "sorting") {
		t.Errorf("the first row is %s", row())
	}
	b.press("right")
	_, late := b.Update(keyOf("s"))
	b.press("f5") // another answer
	b.send(late())
	b.sees(strings.Split(before, "\n")[7])
}

func TestNumbersSortExactly(t *testing.T) {
	t.Parallel()
	data := full()
	data.answer = &sql.Answer{Columns: []sql.Column{{Name: "n", Type: "HUGEINT", Sort: sql.ByNumber}}}
	for _, n := range []string{"9007199254740993", "-1", "NULL", "9007199254740992", "1e300", "nan", "0.1", "9007199254740994"} {
		data.answer.Rows = append(data.answer.Rows, cells(n))
	}
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5", "esc", "s", "s")
	var got []string
	for _, line := range strings.Split(b.plain(), "\n")[7:15] {
		got = append(got, strings.TrimSpace(strings.TrimPrefix(line, "▌")))
	}
	want := []string{"-1", "0.1", "9007199254740992", "9007199254740993", "9007199254740994", "1e300", "nan", "NULL"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPivot: a row that is a record leads to it, a field's value to all records with it.
func TestPivot(t *testing.T) {
	t.Parallel()
	ground := inquiry.View{Dataset: "http_requests", Zones: []string{"z"}, From: time.Unix(1, 0)}
	data := full()
	data.answer.Ground, data.answer.Archive = ground, "a"
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5", "esc", "o")
	want := screen.Go{To: screen.Investigate, Arg: ground.With(inquiry.Filter{Field: "ClientIP", Op: inquiry.Is, Value: "203.0.113.0"})}
	if diff := cmp.Diff(screen.Intent(want), b.last()); diff != "" {
		t.Error(diff)
	}
	b.press("right", "o")
	if _, ok := b.last().(screen.Say); !ok {
		t.Errorf("a count leads to %v", b.last())
	}
	data.answer = &sql.Answer{
		Ground: ground, Archive: "a", Columns: []sql.Column{{Name: "_line"}, {Name: "_zone"}, {Name: "_seq"}},
		Rows: [][]sql.Cell{cells("7", "zz", "0"), cells("7", "NULL", "x")},
	}
	b.press("f5", "o")
	want = screen.Go{To: screen.Investigate, Arg: inquiry.Ref{Archive: "a", Zone: "zz", Dataset: "http_requests", Seq: 0, Line: 7}}
	if diff := cmp.Diff(screen.Intent(want), b.last()); diff != "" {
		t.Error(diff)
	}
}

// TestMore: what was not read is said, and is not sorted as if it were there.
func TestMore(t *testing.T) {
	t.Parallel()
	data := full()
	data.answer.More = true
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5", "esc", "s")
	if say, ok := b.last().(screen.Say); !ok || !strings.Contains(say.Text, "not all rows") {
		t.Errorf("sorted: %v", b.last())
	}
	b.sees("first 40 rows, more not read")
	b.press("c")
	if c, ok := b.last().(screen.Copy); !ok || !strings.Contains(c.Text, "rows of more than that") {
		t.Errorf("copied as if it were all: %v", b.last())
	}
}

// TestCopy: a question travels with its answer, and nothing in it is markup or acts.
func TestCopy(t *testing.T) {
	t.Parallel()
	b := draw(t, full(), small, theme.Options{})
	b.write("SELECT '```', $ip")
	b.press("f5")
	b.sees("$ip")
	b.press("1", "enter", "esc")
	for _, key := range []string{"c", "Y"} {
		b.press(key)
		c, ok := b.last().(screen.Copy)
		if !ok {
			t.Fatalf("%s: %v", key, b.last())
		}
		for _, want := range []string{"````sql\nSELECT '```', $ip\n````\n", "$ip = 1\n", "203.0.113.0", "! coverage INCOMPLETE"} {
			if !strings.Contains(c.Text, want) {
				t.Errorf("%s: %q is not in\n%s", key, want, c.Text)
			}
		}
		if strings.ContainsAny(c.Text, "\x1b\r\x07\u202e") || len(c.Text) > 64<<10 {
			t.Errorf("%s: raw, or too long: %q", key, c.Text)
		}
	}
	big := full()
	big.answer.Rows[0][4].Text = strings.Repeat("x", 70<<10)
	b = draw(t, big, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f5", "esc", "right", "right", "right", "right", "y")
	if say, ok := b.last().(screen.Say); !ok || !strings.Contains(say.Text, "not copied") {
		t.Errorf("70 KiB: %v", b.last())
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		keys []string
		want string
	}{
		{"SELECT cli", []string{"tab", "down", "enter"}, "SELECT ClientIP|"},
		{"SELECT cli", []string{"tab", "e", "n", "t", "i", "tab"}, "SELECT ClientIP|"},
		{"SELECT edge", []string{"tab"}, "SELECT EdgeResponseStatus|"},
		{"sel", []string{"tab"}, "select|"},
		{"SEL", []string{"tab"}, "SELECT|"},
		{"SELECT 1 FROM ", []string{"tab", "down", "tab"}, "SELECT 1 FROM windows|"},
		{"SELECT 'cli", []string{"tab"}, "SELECT 'cli  |"},
		{"", []string{"tab"}, "  |"},
		{"SELECT cli", []string{"tab", "esc", "x"}, "SELECT clix|"},
		{"SELECT logs.clientip", []string{"tab"}, "SELECT logs.ClientIP|"},
		{"SELECT cou", []string{"tab"}, "SELECT count(|"},
	} {
		b := draw(t, full(), small, theme.Options{})
		b.write(test.text)
		b.press(test.keys...)
		var k struct {
			Text   string
			Cursor int
		}
		if err := json.Unmarshal(b.Keep(), &k); err != nil {
			t.Fatal(err)
		}
		if got := k.Text[:k.Cursor] + "|" + k.Text[k.Cursor:]; got != test.want {
			t.Errorf("%q %v: %q, not %q", test.text, test.keys, got, test.want)
		}
	}
}

// TestSaved: a saved query is taken with the values it needs.
func TestSaved(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.write("something of mine")
	b.press("f2", "b", "u", "s", "i", "enter")
	b.sees("$top", "how many", "20")
	b.press("backspace", "backspace", "5", "enter")
	want := []sql.Question{{SQL: "-- top_clients: The busiest clients\nSELECT ClientIP, count(*) n FROM logs GROUP BY 1 LIMIT CAST($top AS BIGINT)", Params: map[string]string{"top": "5"}}}
	if diff := cmp.Diff(want, data.asked); diff != "" {
		t.Error(diff)
	}
	b.sees("$top=5", "40 rows")
	b.press("ctrl+z")
	b.sees("something of mine")
	b.press("ctrl+y", "f7", "ctrl+u", "9", "enter", "f5")
	if data.asked[1].Params["top"] != "9" {
		t.Errorf("asked %v", data.asked[1])
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	b := draw(t, full(), small, theme.Options{})
	b.write("mine")
	b.press("ctrl+p", "ctrl+p")
	b.sees("SELECT count(*)", "FROM logs")
	b.press("ctrl+n", "ctrl+n")
	b.sees("mine")
	b.press("f3", "down", "enter")
	b.sees("  2 FROM logs")
}

// TestScope: what is wrong with a range is said in the form; what is right is asked.
func TestScope(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f4", "n", "e", "v", "e", "r", "enter")
	b.sees(`from "never" is not a time`)
	b.press("ctrl+u", "-", "1", "d", "down", "down")
	b.write("shop.example, blog.example")
	b.press("enter", "f5")
	want := sql.Scope{From: "-1d", Zones: []string{"shop.example", "blog.example"}}
	if diff := cmp.Diff(want, data.asked[0].Scope); diff != "" {
		t.Error(diff)
	}
	b.sees("asked of all zones, from 2026-03-13 15:09 UTC")
}

// TestExport: a file that is there is replaced after a yes, and by nobody who may only read.
func TestExport(t *testing.T) {
	t.Parallel()
	data := full()
	data.there = map[string]bool{"answer.json": true}
	b := draw(t, data, small, theme.Options{})
	b.write("SELECT 1")
	b.press("f8")
	if len(data.wrote) > 0 || b.last() == nil {
		t.Error("there is nothing to export, and that is not said")
	}
	b.press("f5", "f8", "ctrl+f", "enter")
	ask, ok := b.last().(screen.Ask)
	if !ok || len(data.wrote) > 0 {
		t.Fatalf("a file would be replaced without a yes: %v", b.last())
	}
	b.send(ask.Then)
	if diff := cmp.Diff([]sql.Target{{Path: "answer.json", Format: "json", Replace: true}}, data.wrote); diff != "" {
		t.Error(diff)
	}
	b.press("f8", "ctrl+u")
	b.write("/tmp/x.parquet")
	b.press("enter")
	if last := data.wrote[len(data.wrote)-1]; last != (sql.Target{Path: "/tmp/x.parquet", Format: "parquet"}) {
		t.Errorf("a path that is pasted: %v", last)
	}
	read := draw(t, full(), small, theme.Options{}, func(c *sql.Config) { c.ReadOnly = true })
	read.write("SELECT 1")
	read.press("f5", "f8")
	if say, ok := read.last().(screen.Say); !ok || !strings.Contains(say.Text, "read only") {
		t.Errorf("read only: %v", read.last())
	}
	for _, k := range read.Keys() {
		if k.Help().Desc == "export" {
			t.Error("help has a key that may not be used")
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	data := full()
	b := draw(t, data, small, theme.Options{})
	b.do(b.Show(inquiry.View{Zones: []string{"z"}, Dataset: "http_requests", From: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)}))
	b.press("f5")
	want := []sql.Question{{SQL: "SELECT * FROM logs -- http_requests", Scope: sql.Scope{From: "2026-03-14T15:09:26Z", Zones: []string{"z"}}}}
	if diff := cmp.Diff(want, data.asked); diff != "" {
		t.Error(diff)
	}
	b.do(b.Show("SELECT 2"))
	b.sees("SELECT 2")
	b.do(b.Show(inquiry.View{}))
	b.sees("SELECT 2", "cannot be written as SQL")
}

// TestKeep: what is written comes back at the next start; what is no state of ours changes nothing.
func TestKeep(t *testing.T) {
	t.Parallel()
	b := draw(t, full(), small, theme.Options{})
	b.write("SELECT $x")
	b.press("f7", "7", "enter", "left", "f4", "-", "1", "h", "enter")
	again := draw(t, full(), small, theme.Options{})
	again.Restore(b.Keep())
	if diff := cmp.Diff(string(b.Keep()), string(again.Keep())); diff != "" {
		t.Error(diff)
	}
	again.sees("SELECT $x", "1:9")
	before := string(again.Keep())
	for _, junk := range []string{"", "[]", `{"text":7}`, "\x00", `{"text":"` + strings.Repeat("x", 70<<10) + `"}`} {
		again.Restore(json.RawMessage(junk))
	}
	again.Restore(json.RawMessage(`{"cursor":99,"text":"é"}`))
	again.press("x")
	if before == string(again.Keep()) {
		t.Error("a state is not taken")
	}
}

// TestNothingRaw: whatever is in it, no byte of an answer, a question or a list
// reaches the terminal raw, and the screen has its size.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	evil := func() *fake {
		data := full()
		data.desk.Saved[0].Name, data.desk.Saved[0].Title, data.desk.Saved[0].Description = hostile, hostile, hostile
		data.desk.Saved[0].From, data.desk.Saved[0].Params[0].Help, data.desk.Saved[0].SQL = hostile, hostile, "SELECT '"+hostile+"', $ip"
		data.desk.History, data.desk.Zones, data.desk.Notes = []string{hostile, "SELECT 1"}, []string{hostile}, []string{hostile}
		data.words = append(data.words, sql.Word{Text: "Cl" + hostile, Detail: hostile})
		data.answer.Evidence.Line, data.answer.Evidence.Footer = hostile, []string{hostile}
		data.answer.Columns[0].Name, data.answer.Columns[0].Type = hostile, hostile
		data.answer.Rows[0][0].Text = strings.Repeat(hostile, 300<<10/len(hostile))
		data.answer.Rows[3] = cells("日本語👩‍👩‍👧", "", "\t", "\u0301", "[1, {\"a\": \"\x1b\"}]")
		return data
	}
	journeys := [][]string{{}, {"f2"}, {"f2", "enter"}, {"f3"}, {"f4"}, {"C", "l", "tab"}, {"f5"}, {"f5", "esc", "b"}, {"f5", "esc", "p"}, {"f5", "esc", "enter"},
		{"f5", "esc", "right", "right", "right", "down", "s"}, {"f5", "f8"}, {"f5", "bad"}}
	for _, size := range [][2]int{{1, 1}, {2, 3}, {7, 4}, {19, 9}, {41, 5}, {80, 22}, {133, 51}, {300, 2}} {
		size := tuitest.Size{Width: size[0], Height: size[1]}
		for _, journey := range journeys {
			data := evil()
			b := draw(t, data, size, theme.Options{Dark: true})
			b.write("SELECT '" + hostile + "\t日本' -- " + hostile + "\n")
			for _, key := range journey {
				if key == "bad" {
					data.err = &sql.Fault{Text: hostile + "\n" + hostile, Hint: hostile, At: 9}
					key = "f5"
				}
				b.press(key)
			}
			view := b.View()
			if plain := ansi.Strip(view); strings.ContainsAny(plain, "\x1b\r\x07\u202e\u009b\t") || strings.Contains(view, "]0;owned\x07") {
				t.Fatalf("%v %v: raw", size, journey)
			}
			lines := strings.Split(view, "\n")
			if len(lines) != size.Height {
				t.Fatalf("%v %v: %d lines", size, journey, len(lines))
			}
			for _, line := range lines {
				if w := ansi.StringWidth(line); w > size.Width {
					t.Fatalf("%v %v: %d cells: %q", size, journey, w, line)
				}
			}
		}
	}
}

// TestHelpIsTrue: each key that is offered does something, wherever one is.
func TestHelpIsTrue(t *testing.T) {
	t.Parallel()
	for _, place := range [][]string{{}, {"C", "l", "tab"}, {"f5"}, {"f5", "esc"}, {"f5", "esc", "down", "right"}, {"f2"}, {"f3"}, {"f4"}, {"f5", "f8"}, {"f5", "esc", "p"}} {
		reach := func() *bench {
			b := draw(t, full(), small, theme.Options{})
			b.write("SELECT $x, 1;\n ")
			b.press("f7", "7", "enter")
			b.press(place...)
			return b
		}
		for _, offered := range reach().Keys() {
			for _, key := range offered.Keys() {
				b := reach()
				said, before, kept := len(b.intents), b.View(), string(b.Keep())
				_, cmd := b.Update(keyOf(key))
				if cmd == nil && len(b.intents) == said && before == b.View() && kept == string(b.Keep()) {
					if intent, _ := b.Update(keyOf(key)); intent == nil && offered.Help().Desc != "first row" && !strings.Contains(offered.Help().Desc, "above") &&
						!strings.Contains(offered.Help().Desc, "up") && !strings.Contains(offered.Help().Desc, "before") {
						t.Errorf("%v: %s (%s) does nothing", place, key, offered.Help().Desc)
					}
				}
			}
		}
	}
}

// TestMouse: a click is where it points to, and the wheel moves what is under it.
func TestMouse(t *testing.T) {
	t.Parallel()
	b := draw(t, full(), small, theme.Options{})
	b.write("SELECT 1\n")
	b.press("f5")
	b.send(tea.MouseClickMsg{X: 45, Y: 9, Button: tea.MouseLeft})
	b.sees("row 3, requests")
	b.send(tea.MouseWheelMsg{X: 5, Y: 9, Button: tea.MouseWheelDown})
	b.sees("row 6, requests")
	b.send(tea.MouseClickMsg{X: 4, Y: 1, Button: tea.MouseLeft})
	b.press("x")
	b.sees("xSELECT 1")
	b.send(tea.MouseClickMsg{X: 4, Y: 0, Button: tea.MouseLeft})
	b.sees("what is asked")
	b.press("esc", "f2")
	b.send(tea.MouseClickMsg{X: 4, Y: 3, Button: tea.MouseLeft})
	b.press("enter")
	b.sees("$top")
}

// BenchmarkFrame: a key and what is drawn after it, with as many rows as are kept.
func BenchmarkFrame(b *testing.B) {
	data := full()
	for i := range 100_000 {
		data.answer.Rows = append(data.answer.Rows, cells(fmt.Sprintf("203.0.113.%d", i), fmt.Sprint(i*7919%100_003), "2026-03-14T15:39:26.5Z", "it", "Mozilla/5.0"))
	}
	long := "SELECT 1;\n" + strings.Repeat("SELECT ClientIP, count(*) FROM logs -- of them\nWHERE ClientIP = 'x';\n", 200)
	for name, keys := range map[string][]string{
		"type": {"e", "x", "esc"}, "row": {"down"}, "page": {"pgdown"}, "column": {"right"}, "sort": {"s"}, "bars": {"b", "down", "b"},
	} {
		b.Run(name, func(b *testing.B) {
			s := draw(b, data, tuitest.Size{Width: 120, Height: 38}, theme.Options{Dark: true})
			s.write(long)
			s.press("f5", "esc", "right")
			for b.Loop() {
				for _, k := range keys {
					s.press(k)
					s.View()
				}
			}
		})
	}
}
