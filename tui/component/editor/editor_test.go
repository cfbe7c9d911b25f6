package editor_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/component/editor"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// keyOf is a key by the name that Bubble Tea has for it.
func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "left": tea.KeyLeft, "right": tea.KeyRight,
		"up": tea.KeyUp, "down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	}
	var k tea.KeyPressMsg
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		k.Mod, name = tea.ModCtrl, rest
	}
	if code, ok := codes[name]; ok {
		k.Code = code
		return k
	}
	k.Code, _ = utf8.DecodeRuneInString(name)
	if k.Mod == 0 {
		k.Text = name
	}
	return k
}

// press presses keys: names in <>, characters between them.
func press(e *editor.Editor, keys string) {
	for keys != "" {
		name, rest, ok := strings.Cut(strings.TrimPrefix(keys, "<"), ">")
		if !strings.HasPrefix(keys, "<") || !ok {
			_, n := utf8.DecodeRuneInString(keys)
			name, rest = keys[:n], keys[n:]
		}
		e.Key(keyOf(name))
		keys = rest
	}
}

func TestEditing(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"SELECT 1":                          "SELECT 1|",
		"ab<left>X":                         "aX|b",
		"  a<enter>b":                       "  a\n  b|",
		"ab<enter>cd<home>X":                "ab\nX|cd",
		"ab<enter>cd<up>X":                  "abX|\ncd",
		"ab<enter>c<up><home><backspace>":   "|ab\nc",
		"ab<enter>c<home><backspace>":       "ab|c",
		"ab<enter>c<up><end><delete>":       "ab|c",
		"one two<ctrl+w>":                   "one |",
		"one two<ctrl+left>X":               "one X|two",
		"one two<home><ctrl+right>X":        "oneX| two",
		"one two<ctrl+left><ctrl+k>":        "one |",
		"one two<ctrl+left><ctrl+u>":        "|two",
		"abc<enter>d<enter>efg<up>X":        "abc\ndX|\nefg",
		"abc<enter>d<enter>efg<up><up>X":    "abcX|\nd\nefg",
		"héé<left><backspace>":              "h|é",
		"日本<left>X":                         "日X|本",
		"a<enter>b<ctrl+home>X<ctrl+end>Y":  "Xa\nbY|",
		"  ab<home>X":                       "  X|ab",
		"  ab<home><home>X":                 "X|  ab",
		"ab<enter>cd<pgup>X<pgdown><end>Y":  "abX\ncdY|",
		"a<enter><ctrl+k><up><end><ctrl+k>": "a|",
	} {
		var e editor.Editor
		e.SetSize(40, 5)
		press(&e, keys)
		text := e.Text()
		if got := text[:e.Offset()] + "|" + text[e.Offset():]; got != want {
			t.Errorf("%q: %q, not %q", keys, got, want)
		}
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	var e editor.Editor
	press(&e, "one two")
	e.Insert("!")
	for _, want := range []string{"one two", "one ", ""} {
		for e.Text() != want {
			if !e.Undo() {
				t.Fatalf("%q never comes back: %q", want, e.Text())
			}
		}
	}
	if e.CanUndo() || !e.Redo() {
		t.Error("there is more to undo, or nothing to redo")
	}
	for e.Redo() {
	}
	if e.Text() != "one two!" {
		t.Errorf("redone %q", e.Text())
	}
	e.Undo()
	press(&e, "x")
	if e.CanRedo() {
		t.Error("another change can be redone over")
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var e editor.Editor
	if !e.Set("a\r\nb\rc\xff") || e.Text() != "a\nb\nc\uFFFD" {
		t.Errorf("taken as %q", e.Text())
	}
	if e.Insert(strings.Repeat("x", editor.MaxBytes)) || e.Text() != "a\nb\nc\uFFFD" {
		t.Error("more than fits was taken")
	}
	one := editor.Editor{Single: true}
	one.Set("a\nb")
	if one.Text() != "a b" || one.Key(keyOf("enter")) || one.Key(keyOf("up")) {
		t.Errorf("one line is %q, or takes keys of lines", one.Text())
	}
}

// TestView: the lines and cells that were asked for, at any size, whatever is
// in the text, with the cursor among them; and nothing raw.
func TestView(t *testing.T) {
	t.Parallel()
	hostile := "SELECT 'a\x1b]0;x\x07\u202e\u200d', '日本語', '👩‍👩‍👧', 'e\u0301\u0301\u0301\u0301', '\u1100\u1161', '\u0600\u0601ก\u0e33'\n\tFROM x\n" + strings.Repeat("long ", 99) + "\n\n\u0301"
	for _, o := range []theme.Options{{Dark: true}, {Plain: true}} {
		th := theme.New(o)
		for width := 1; width < 100; width += 11 {
			for height := 1; height < 12; height += 2 {
				var e editor.Editor
				e.SetSize(width, height)
				e.Set(hostile)
				for at := 0; at <= len(e.Text()); at += 23 {
					e.SetOffset(at)
					view := e.View(th, []editor.Span{{From: 0, To: 6, Style: th.Key}, {From: 7, To: 30, Style: th.Good}}, true, 8)
					lines := strings.Split(view, "\n")
					if len(lines) != height {
						t.Fatalf("%dx%d: %d lines", width, height, len(lines))
					}
					for _, line := range lines {
						if ansi.StringWidth(line) != width {
							t.Fatalf("%dx%d at %d: %d cells: %q", width, height, at, ansi.StringWidth(line), line)
						}
					}
					if strings.ContainsAny(ansi.Strip(view), "\x1b\x07\u202e\t") || strings.Contains(view, "]0;x\x07") {
						t.Fatalf("raw: %q", view)
					}
					if x, y := e.At(e.Offset()); x < 0 || y < 0 || x >= width || y >= height {
						t.Fatalf("%dx%d: the cursor at %d is at %d,%d", width, height, at, x, y)
					}
				}
			}
		}
	}
}

// TestChance: whatever is pressed, nothing breaks, and all of it can be undone.
func TestChance(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	keys := []string{"a", " ", "é", "日", "enter", "backspace", "delete", "left", "right", "up", "down", "home", "end", "pgup", "pgdown",
		"ctrl+w", "ctrl+k", "ctrl+u", "ctrl+left", "ctrl+right", "ctrl+home", "ctrl+end"}
	th := theme.New(theme.Options{})
	for range 200 {
		var e editor.Editor
		e.SetSize(1+r.IntN(30), 1+r.IntN(6))
		for range 60 {
			switch r.IntN(12) {
			case 0:
				e.Undo()
			case 1:
				e.Replace(r.IntN(20), r.IntN(20), "x\ny")
			case 2:
				e.Point(r.IntN(40), r.IntN(9))
			case 3:
				e.Scroll(r.IntN(9) - 4)
			default:
				e.Key(keyOf(keys[r.IntN(len(keys))]))
			}
			if text := e.Text(); !utf8.ValidString(text) || e.Offset() > len(text) || !utf8.ValidString(text[:e.Offset()]) {
				t.Fatalf("at %d of %q", e.Offset(), text)
			}
			e.View(th, nil, true, -1)
		}
		for e.Undo() {
		}
		if e.Text() != "" {
			t.Fatalf("all undone is %q", e.Text())
		}
	}
}
