package app

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// Opening is the root model until what is looked at has been opened: it draws
// at once, and from then on is what was opened. What is typed meanwhile is not lost.
type Opening struct {
	text   string
	open   func() (*App, error)
	before []tea.Msg
	width  int
	height int
	root   *App

	done   chan struct{} // closed when open has returned
	opened *App
	err    error
}

// hasOpened says that open has returned.
type hasOpened struct{}

// NewOpening returns a root that calls open, which may take seconds, outside of Update.
func NewOpening(text string, open func() (*App, error)) *Opening {
	return &Opening{text: text, open: open, done: make(chan struct{}), width: 80, height: 24}
}

// Root waits until open has returned, which it must be told elsewhere if the program has ended, and returns what it did.
func (o *Opening) Root() (*App, error) {
	<-o.done
	return o.opened, o.err
}

// Init begins to open.
func (o *Opening) Init() tea.Cmd {
	return func() tea.Msg {
		o.opened, o.err = o.open()
		close(o.done)
		return hasOpened{}
	}
}

// Update keeps what comes for what is being opened.
func (o *Opening) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if o.root != nil {
		_, cmd := o.root.Update(msg)
		return o, cmd
	}
	switch msg := msg.(type) {
	case hasOpened:
		return o, o.begin()
	case tea.WindowSizeMsg:
		o.width, o.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if k := msg.String(); k == "ctrl+c" || k == "ctrl+q" || k == "esc" {
			return o, tea.Quit
		}
	}
	o.before = append(o.before, msg)
	return o, nil
}

func (o *Opening) begin() tea.Cmd {
	if o.err != nil {
		return tea.Quit
	}
	o.root = o.opened
	cmds := []tea.Cmd{o.root.Init()}
	for _, msg := range o.before {
		_, cmd := o.root.Update(msg)
		cmds = append(cmds, cmd)
	}
	o.before = nil
	return tea.Batch(cmds...)
}

// View draws the frame.
func (o *Opening) View() tea.View {
	if o.root != nil {
		return o.root.View()
	}
	v := tea.NewView(frame(ansi.Truncate(safetext.Line(o.text), max(1, o.width), safetext.Ellipsis), max(1, o.width), max(1, o.height)))
	v.AltScreen = true
	return v
}
