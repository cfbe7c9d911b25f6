package app_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// keeper is a fake that keeps something, and fails where it is told to.
type keeper struct {
	fake
	state  string
	look   screen.Look
	fails  string // "update", "view", "keep", "restore", "command"
	closed int
}

func (k *keeper) Keep() json.RawMessage {
	k.fail("keep")
	return json.RawMessage(k.state)
}

func (k *keeper) Restore(state json.RawMessage) {
	k.fail("restore")
	k.state = string(state)
}
func (k *keeper) SetLook(l screen.Look) { k.look = l }
func (k *keeper) Close()                { k.closed++ }
func (k *keeper) View() string          { k.fail("view"); return k.fake.View() }

func (k *keeper) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	if _, ok := msg.(tea.KeyPressMsg); ok {
		k.fail("update")
		if k.fails == "command" {
			return nil, tea.Batch(nil, func() tea.Msg { panic("in a command") }, nil)
		}
	}
	return k.fake.Update(msg)
}

func (k *keeper) fail(where string) {
	if k.fails == where {
		panic("fails in " + where + "\x1b[2J")
	}
}

func kept(t *testing.T, cfg app.Config) (*app.App, *keeper, *fake) {
	t.Helper()
	k, other := &keeper{fake: fake{name: "SQL"}, state: `{"text":"SELECT 1"}`}, &fake{name: "OVERVIEW"}
	return with(t, cfg, k, other), k, other
}

func with(t *testing.T, cfg app.Config, k *keeper, other *fake) *app.App {
	t.Helper()
	var err error
	if cfg.Keys, err = keymap.New(app.Keys(screen.Overview, screen.SQL), nil); err != nil {
		t.Fatal(err)
	}
	cfg.Screens = map[screen.Name]screen.Screen{screen.Overview: other, screen.SQL: k}
	cfg.First, cfg.Archive = screen.Overview, "id"
	return app.New(cfg)
}

func TestSessionIsRestored(t *testing.T) {
	t.Parallel()
	a, k, other := kept(t, app.Config{})
	press(a, "2")
	k.state = `{"text":"SELECT 2"}`
	other.next = nil
	k.next = screen.Choose{Look: screen.Look{Theme: "dark", ASCII: true, Local: true}}
	press(a, "x")
	if !k.dark || !k.look.Local || !k.look.ASCII {
		t.Errorf("the choice is not told: %+v", k.look)
	}
	state := a.State()
	if err := app.CheckSession(state, "id"); err != nil {
		t.Fatal(err)
	}
	b, again, _ := kept(t, app.Config{Session: state})
	if b.Here() != screen.SQL || again.state != `{"text":"SELECT 2"}` || again.look != k.look || !again.dark {
		t.Errorf("restored: at %s, %s, %+v", b.Here(), again.state, again.look)
	}
	press(b, "alt+left")
	if b.Here() != screen.Overview {
		t.Errorf("back is %s", b.Here())
	}
	b, again, _ = kept(t, app.Config{Session: state, Arg: 7, Flagged: true, FixedTheme: true})
	b.Init()
	if b.Here() != screen.Overview || again.dark {
		t.Errorf("what the command line says gives way: at %s, dark %t", b.Here(), again.dark)
	}
}

// TestSessionOfOthers: what is no session of this archive changes nothing.
func TestSessionOfOthers(t *testing.T) {
	t.Parallel()
	for _, state := range []string{
		"{", "7", `{"v":2,"archive":"id","here":"sql"}`, `{"v":1,"archive":"other","here":"sql"}`,
		`{"v":1,"archive":"id","here":"sql","screens":7}`, strings.Repeat(" ", app.MaxSession+1),
	} {
		a, k, _ := kept(t, app.Config{Session: []byte(state)})
		if app.CheckSession([]byte(state), "id") == nil || a.Here() != screen.Overview || k.state != `{"text":"SELECT 1"}` {
			t.Errorf("%.40s is taken", state)
		}
		if !strings.Contains(ansi.Strip(a.Content()), "is not restored") {
			t.Errorf("%.40s: nothing is said", state)
		}
	}
	a, _, _ := kept(t, app.Config{Session: []byte(`{"v":1,"archive":"id","here":"gone","past":["gone","sql"],"chosen":{"theme":"pink"},"screens":{"gone":{}}}`)})
	if a.Here() != screen.Overview {
		t.Errorf("at %s", a.Here())
	}
}

// drain runs commands and what comes of them, but for timers, and returns how many messages there were.
func drain(a *app.App, cmd tea.Cmd) (msgs int) {
	if cmd == nil {
		return 0
	}
	switch msg := cmd().(type) {
	case nil, tea.QuitMsg:
	case tea.BatchMsg:
		for _, c := range msg {
			msgs += drain(a, c)
		}
	default:
		_, next := a.Update(msg)
		msgs += 1 + drain(a, next)
	}
	return msgs
}

// TestSavedOnce: the state is saved after a change, and not again without one.
func TestSavedOnce(t *testing.T) {
	t.Parallel()
	var saved []string
	var err error
	cfg := app.Config{After: 1, Save: func(b []byte) error { saved = append(saved, string(b)); return err }}
	a, k, _ := kept(t, cfg)
	drain(a, press(a, "2"))
	drain(a, press(a, "x"))
	if len(saved) != 1 || !strings.Contains(saved[0], `"here":"sql"`) {
		t.Fatalf("saved %q", saved)
	}
	k.state = `{"text":"other"}`
	drain(a, press(a, "x"))
	if len(saved) != 2 || !strings.Contains(saved[1], "other") {
		t.Fatalf("saved %q", saved)
	}
	k.state, err = `{"text":"third"}`, errors.New("disk\r full")
	drain(a, press(a, "x"))
	if view := ansi.Strip(a.Content()); !strings.Contains(view, `not kept for the next start: disk\r full`) {
		t.Errorf("it is not told:\n%s", view)
	}
	err = nil
	drain(a, press(a, "x"))
	if len(saved) != 4 {
		t.Errorf("it is not tried again: %q", saved)
	}
}

// TestFaults: a screen that fails ends the program in order, wherever it fails,
// and what it kept before is kept.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"update", "view", "command"} {
		a, k, _ := kept(t, app.Config{})
		press(a, "2")
		a.State() // a tick before
		k.state, k.fails = `{"text":"broken"}`, where
		_, cmd := a.Update(tea.KeyPressMsg{Text: "x", Code: 'x'})
		if where == "command" {
			_, cmd = a.Update(cmd())
		}
		if cmd == nil {
			t.Fatalf("%s: goes on", where)
		}
		if _, quit := cmd().(tea.QuitMsg); !quit || a.Content() != "" {
			t.Errorf("%s: the program goes on", where)
		}
		if f := a.Fault(); f == nil || f.Screen != screen.SQL || !strings.Contains(string(f.Stack), "session_test.go") {
			t.Errorf("%s: fault %+v", where, f)
		}
		a.Close()
		if k.closed != 1 {
			t.Errorf("%s: closed %d times", where, k.closed)
		}
		if state := string(a.State()); !strings.Contains(state, "SELECT 1") || !strings.Contains(state, `"faults":{"sql":1}`) {
			t.Errorf("%s: state %s", where, state)
		}
	}
}

// TestTwoFaults: a screen that fails with what it kept begins anew the third time.
func TestTwoFaults(t *testing.T) {
	t.Parallel()
	var state []byte
	for i := range 2 {
		k := &keeper{fake: fake{name: "SQL"}, fails: "restore", state: `{"text":"SELECT 1"}`}
		if state == nil {
			state = []byte(`{"v":1,"archive":"id","here":"sql","screens":{"sql":{"text":"poison"}}}`)
		}
		a := with(t, app.Config{Session: state}, k, &fake{name: "OVERVIEW"})
		a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		if a.Fault() == nil {
			t.Fatalf("%d: no fault", i)
		}
		state = a.State()
		if !strings.Contains(string(state), "poison") {
			t.Errorf("%d: state %s", i, state)
		}
	}
	a, k, _ := kept(t, app.Config{Session: state})
	if k.state != `{"text":"SELECT 1"}` || !strings.Contains(ansi.Strip(a.Content()), "begins anew") {
		t.Errorf("third time: %s", k.state)
	}
	if strings.Contains(string(a.State()), "faults") {
		t.Error("an orderly end does not forget them")
	}
}

// TestASCIIStays: a terminal without Unicode is not asked to draw it.
func TestASCIIStays(t *testing.T) {
	t.Parallel()
	a, k, _ := kept(t, app.Config{Theme: theme.Options{ASCII: true}})
	press(a, "2")
	k.next = screen.Choose{Look: screen.Look{Theme: "auto"}}
	press(a, "x")
	if view := a.Content(); !k.look.ASCII || !strings.Contains(view, "ASCII alone") {
		t.Errorf("look %+v", k.look)
	}
	a, _, _ = kept(t, app.Config{Theme: theme.Options{ASCII: true}, ReadOnly: true, Title: "evidence"})
	press(a, "?")
	if view := ansi.Strip(a.Content()); !strings.Contains(view, "alt+left") || !strings.Contains(view, " read-only evidence ") {
		t.Errorf("help:\n%s", view)
	}
}

// TestResizeStorm: a thousand sizes, with keys between them.
func TestResizeStorm(t *testing.T) {
	t.Parallel()
	a, _, _ := kept(t, app.Config{ReadOnly: true, Title: "a long name of an archive that does not fit"})
	chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed seed
	for i := range 1000 {
		w, h := 1+chance.IntN(200), 1+chance.IntN(70)
		if i%50 == 0 {
			w, h = 1, 1
		}
		a.Update(tea.WindowSizeMsg{Width: w, Height: h})
		press(a, []string{"?", "esc", "1", "2", ":", "esc"}[chance.IntN(6)])
		lines := strings.Split(a.Content(), "\n")
		if len(lines) != h {
			t.Fatalf("%dx%d: %d lines", w, h, len(lines))
		}
		for _, line := range lines {
			if ansi.StringWidth(line) != w {
				t.Fatalf("%dx%d: %q", w, h, line)
			}
		}
	}
}
