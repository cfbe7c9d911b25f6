// Package screen is the contract between the root of the workstation and its
// screens.
//
// # Rules of a screen
//
// Update and View do no IO, read no clock and draw no chance: what is slow or
// outside is a command (tea.Cmd), whose result comes back as a message. A
// message carries the sequence number of its question, and a screen drops an
// answer to a question that is no longer the latest. State changes in Update
// alone, never in a command. What a screen wants of the root it returns as an
// Intent. View returns exactly the lines and cells of SetSize.
package screen

import (
	"encoding/json"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Name is a screen's name, as typed behind ":".
type Name string

// The screens, in the order of their number keys.
const (
	Overview    Name = "overview"
	Investigate Name = "investigate"
	SQL         Name = "sql"
	Chain       Name = "chain"
	Hunt        Name = "hunt"
	Case        Name = "case"
	Collector   Name = "collector"
	Help        Name = "help"
)

// Welcome stands alone, where there is no archive yet.
const Welcome Name = "welcome"

// All are the screens' names in their order.
var All = []Name{Overview, Investigate, SQL, Chain, Hunt, Case, Collector, Help}

// Screen is one of them.
type Screen interface {
	Init() tea.Cmd
	Update(msg tea.Msg) (Intent, tea.Cmd)
	View() string
	SetSize(width, height int)
	SetTheme(t *theme.Theme)
	// Keys are the bindings that work now, for the hints at the bottom.
	Keys() []key.Binding
}

// Typer is a screen with a text field: while Typing, keys that print go to
// it, and only keys with a modifier or a function key are global.
type Typer interface {
	Typing() bool
}

// Shown is told when it comes to the front, with what Go brought along.
type Shown interface {
	Show(arg any) tea.Cmd
}

// Sized is told after SetSize that the terminal has another size, and asks what
// that shows besides.
type Sized interface {
	Sized() tea.Cmd
}

// Keeper is a screen whose state outlives the session: what Keep returns, as
// JSON, is given to Restore before Init at the next start. Restore takes what
// it understands and ignores the rest: it may be of another version.
type Keeper interface {
	Keep() json.RawMessage
	Restore(state json.RawMessage)
}

// Looked is a screen that is told how things are to look, at the start and
// whenever that changes: in which zone times are shown, say. Colours and glyphs
// come with SetTheme.
type Looked interface {
	SetLook(l Look)
}

// Look is what a person can choose of how things look.
type Look struct {
	Theme string // auto (as the terminal is), dark or light
	ASCII bool   // no character beyond ASCII
	Local bool   // times in the zone of the person's machine, not in UTC
}

// Closer is a screen with something under way: Close, called once when the
// program ends, cancels all of it.
type Closer interface {
	Close()
}

// Intent is what a screen asks of the root; nil for nothing.
type Intent interface{ intent() }

// Go brings a screen to the front.
type Go struct {
	To  Name
	Arg any // for its Show
}

// Say puts a line at the bottom until the next key.
type Say struct {
	Level Level
	Text  string // from anywhere: it is made safe before it is drawn
}

// Ask is a question that a person must answer with yes before Then is sent.
type Ask struct {
	Title, Text string
	Then        tea.Msg
}

// Copy puts a text on the person's clipboard (OSC 52).
type Copy struct {
	Text, What string
}

// Choose makes everything look as a person wants it, from now on.
type Choose struct{ Look Look }

// Quit ends the program.
type Quit struct{}

func (Go) intent()     {}
func (Say) intent()    {}
func (Ask) intent()    {}
func (Copy) intent()   {}
func (Choose) intent() {}
func (Quit) intent()   {}

// Level is how much a line matters.
type Level uint8

// The levels.
const (
	Info Level = iota
	Good
	Warn
	Bad
)
