package sql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// fake answers at once, the same every time.
type fake struct {
	desk     sql.Desk
	deskErr  error
	words    []sql.Word
	answer   *sql.Answer
	err      error
	there    map[string]bool // files
	asked    []sql.Question
	wrote    []sql.Target
	kept     []string
	progress []sql.Progress
	ended    int // questions whose context had ended
}

func (f *fake) Desk(context.Context) (sql.Desk, error)    { return f.desk, f.deskErr }
func (f *fake) Words(context.Context) ([]sql.Word, error) { return f.words, nil }
func (f *fake) Remember(_ context.Context, text string) error {
	f.kept = append(f.kept, text)
	return nil
}

func (f *fake) Check(_ context.Context, s sql.Scope) (string, error) {
	if s.From == "never" {
		return "", errors.New(`from "never" is not a time: use -24h`)
	}
	if s.From != "" {
		return "all zones, from 2026-03-13 15:09 UTC", nil
	}
	return "all zones, all times", nil
}

func (f *fake) Ask(ctx context.Context, q sql.Question, progress func(sql.Progress)) (*sql.Answer, error) {
	f.asked = append(f.asked, q)
	for _, p := range f.progress {
		progress(p)
	}
	if ctx.Err() != nil {
		f.ended++
		return nil, ctx.Err()
	}
	return f.answer, f.err
}

func (f *fake) Export(_ context.Context, _ sql.Question, t sql.Target, _ func(sql.Progress)) (sql.Exported, error) {
	if f.there[t.Path] && !t.Replace {
		return sql.Exported{}, sql.ErrExists
	}
	f.wrote = append(f.wrote, t)
	return sql.Exported{Path: t.Path, Beside: t.Path + ".provenance.json", Bytes: 4096}, f.err
}

// tokens is a scanner that does for tests.
func tokens(text string) (out []sql.Token) {
	word := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	for i := 0; i < len(text); {
		n, kind := 1, sql.Sign
		switch c := text[i]; {
		case c == ' ' || c == '\n' || c == '\t':
			i++
			continue
		case strings.HasPrefix(text[i:], "--"):
			n, kind = len(text[i:]), sql.Comment
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				n = end
			}
		case c == '\'':
			n, kind = len(text[i:]), sql.String
			if end := strings.IndexByte(text[i+1:], '\''); end >= 0 {
				n = end + 2
			}
		case c == '$' || word(c):
			for i+n < len(text) && word(text[i+n]) {
				n++
			}
			kind = sql.Name
			if c == '$' {
				kind = sql.Param
			} else if c >= '0' && c <= '9' {
				kind = sql.Number
			}
		}
		out = append(out, sql.Token{From: i, To: i + n, Kind: kind})
		i += n
	}
	return out
}

const hostile = "evil\x1b]0;owned\x07\r\u202e\u009b31m\xff"

func desk() sql.Desk {
	return sql.Desk{
		Saved: []sql.Saved{
			{Name: "absence", Title: "Whether an address made no request", Description: "How many requests of an address the range holds, and which windows stand behind that number.", From: "rainlogs",
				SQL: "-- title: x\nSELECT count(*) FROM logs\nWHERE ip_in(ClientIP, $ip)", Params: []sql.SavedParam{{Name: "ip", Help: "address or network", Required: true}}},
			{Name: "top_clients", Title: "The busiest clients", Description: "Clients by their number of requests.", From: "rainlogs",
				SQL: "-- title: x\nSELECT ClientIP, count(*) n FROM logs GROUP BY 1 LIMIT CAST($top AS BIGINT)", Params: []sql.SavedParam{{Name: "top", Default: "20", Help: "how many"}}},
			{Name: "by_hour", Title: "Status by hour", From: "/etc/rainlogs/queries/by_hour.sql", SQL: "-- title: x\nSELECT 1"},
		},
		History: []string{"SELECT 1", "SELECT count(*)\nFROM logs", "SELECT 1"},
		Zones:   []string{"shop.example", "blog.example"},
		Formats: []sql.Format{{Name: "csv", Extension: ".csv"}, {Name: "json", Extension: ".json"}, {Name: "parquet", Extension: ".parquet"}},
	}
}

func words() []sql.Word {
	return []sql.Word{
		{Text: "ClientASN", Kind: sql.Field, Detail: "BIGINT of logs"}, {Text: "ClientIP", Kind: sql.Field, Detail: "VARCHAR of logs"},
		{Text: "EdgeResponseStatus", Kind: sql.Field, Detail: "BIGINT of logs"}, {Text: "logs", Kind: sql.View, Detail: "view"}, {Text: "windows", Kind: sql.View, Detail: "view"},
		{Text: "count(", Kind: sql.Function, Detail: "arg)"}, {Text: "SELECT", Kind: sql.Keyword}, {Text: "FROM", Kind: sql.Keyword},
	}
}

func cells(texts ...string) (out []sql.Cell) {
	for _, text := range texts {
		out = append(out, sql.Cell{Text: text, Null: text == "NULL"})
	}
	return out
}

func answer() *sql.Answer {
	a := &sql.Answer{
		Columns: []sql.Column{
			{Name: "ClientIP", Type: "VARCHAR"}, {Name: "requests", Type: "BIGINT", Sort: sql.ByNumber}, {Name: "last_seen", Type: "TIMESTAMP_NS", Sort: sql.ByTime},
			{Name: "country", Type: "VARCHAR"}, {Name: "agent", Type: "VARCHAR"},
		},
		Took: 340 * time.Millisecond,
		Evidence: sql.Evidence{
			Line:   "coverage INCOMPLETE (1 gap): absence is no proof · 24 of 24 objects verified · pinned key",
			Footer: []string{"range     the beginning to the end (event time, UTC)", "objects   24 of 24 verified", "! coverage INCOMPLETE, 24 windows, 1 parts in doubt"},
		},
	}
	for i := range 40 {
		a.Rows = append(a.Rows, cells(fmt.Sprintf("203.0.113.%d", i), fmt.Sprint(9000/(i+1)), fmt.Sprintf("2026-03-14T15:%02d:26.5Z", i), "it", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"))
	}
	a.Rows[1] = cells("2a00:23c5:8331:9f00:8df7:2062:ced8:a57b", "4500", "NULL", "gb", hostile)
	return a
}

func full() *fake { return &fake{desk: desk(), words: words(), answer: answer()} }

const question = "-- who is busy\nSELECT ClientIP, count(*) AS requests, max(EdgeStartTimestamp) AS last_seen, any_value(ClientCountry) AS country\nFROM logs\nWHERE ClientRequestPath LIKE '/login%' AND EdgeResponseStatus >= 400\nGROUP BY 1 ORDER BY requests DESC"

func keys(t testing.TB) *keymap.Map {
	t.Helper()
	m, err := keymap.New(sql.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func statement(v inquiry.View) (string, error) {
	if v.Dataset == "" {
		return "", errors.New("there is no such dataset")
	}
	return "SELECT * FROM logs -- " + v.Dataset, nil
}

// bench is a screen under test.
type bench struct {
	*sql.Screen
	t       testing.TB
	intents []screen.Intent
}

func draw(t testing.TB, data *fake, size tuitest.Size, o theme.Options, change ...func(*sql.Config)) *bench {
	t.Helper()
	cfg := sql.Config{Data: data, Tongue: sql.Tongue{Tokens: tokens, Statement: statement}, Keys: keys(t), Beat: time.Nanosecond, Local: time.FixedZone("CET", 3600)}
	for _, f := range change {
		f(&cfg)
	}
	b := &bench{Screen: sql.New(cfg), t: t}
	b.SetTheme(theme.New(o))
	b.SetSize(size.Width, size.Height)
	b.do(b.Init())
	b.do(b.Show(nil))
	return b
}

// do runs a command and gives what it says to the screen, until nothing is said any more.
func (b *bench) do(cmd tea.Cmd) {
	for _, msg := range said(cmd) {
		b.send(msg)
	}
}

func (b *bench) send(msg tea.Msg) {
	intent, cmd := b.Update(msg)
	if intent != nil {
		b.intents = append(b.intents, intent)
	}
	b.do(cmd)
}

// said is what a command says, and those that it is a batch of.
func said(cmd tea.Cmd) (out []tea.Msg) {
	if cmd == nil {
		return nil
	}
	switch msg := cmd().(type) {
	case nil:
		return nil
	case tea.BatchMsg:
		for _, c := range msg {
			out = append(out, said(c)...)
		}
		return out
	default:
		return []tea.Msg{msg}
	}
}

var codes = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "up": tea.KeyUp, "down": tea.KeyDown,
	"left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
	"f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3, "f4": tea.KeyF4, "f5": tea.KeyF5, "f6": tea.KeyF6, "f7": tea.KeyF7, "f8": tea.KeyF8,
}

func keyOf(name string) tea.KeyPressMsg {
	var k tea.KeyPressMsg
	for prefix, mod := range map[string]tea.KeyMod{"ctrl+": tea.ModCtrl, "shift+": tea.ModShift, "alt+": tea.ModAlt} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			k.Mod, name = mod, rest
		}
	}
	if code, ok := codes[name]; ok {
		k.Code = code
		return k
	}
	if name == "space" {
		name = " "
	}
	k.Code = []rune(name)[0]
	if k.Mod == 0 {
		k.Text = name
	}
	return k
}

func (b *bench) press(names ...string) {
	for _, name := range names {
		b.send(keyOf(name))
	}
}

func (b *bench) write(text string) { b.send(tea.PasteMsg{Content: text}) }

// last is the last intent, or nil.
func (b *bench) last() screen.Intent {
	if len(b.intents) == 0 {
		return nil
	}
	return b.intents[len(b.intents)-1]
}
