package sql

import (
	"errors"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/editor"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// formKind is what a form is for.
type formKind uint8

const (
	scopeForm formKind = iota
	paramForm
	exportForm
)

// form is a few fields to be filled in.
type form struct {
	kind     formKind
	title    string
	fields   []field
	at       int
	notes    []string
	err      error
	run      bool // with the parameters' values, the question is asked
	checking bool
	format   int // of the export, in the desk's formats
	names    int // cells of the longest name
	top      int // the first field that is drawn
}

// field is one of them.
type field struct {
	name, help string
	editor     editor.Editor
}

func newField(name, help, value string) field {
	f := field{name: name, help: help, editor: editor.Editor{Single: true}}
	f.editor.Set(value)
	return f
}

func newScopeForm(s *Screen) *form {
	f := &form{kind: scopeForm, title: "what is asked: a range of event time, and zones", fields: []field{
		newField("from", `-24h, -7d, 2026-11-23T14:00:00Z, "2026-11-23 14:00" in UTC; empty: from the beginning`, s.scope.From),
		newField("to", "the same forms, exclusive; empty or now", s.scope.To),
		newField("zones", "names or ids, with a space between them; empty: all", strings.Join(s.scope.Zones, " ")),
		newField("damaged", "yes answers without the objects that are not what was sealed, and says so", map[bool]string{true: "yes", false: "no"}[s.scope.SkipDamaged]),
	}}
	if len(s.desk.Zones) > 0 {
		f.notes = []string{"zones of the archive: " + strings.Join(s.desk.Zones, " ")}
	}
	return f
}

// newParamForm asks for the values of parameters; with run, the question is asked then.
func newParamForm(s *Screen, names []string, run bool) *form {
	f := &form{kind: paramForm, title: "values of the question's parameters", run: run}
	for _, name := range names {
		help := s.hints[name].Help
		if help == "" {
			help = "a text; CAST($" + name + " AS …) makes another type of it"
		}
		f.fields = append(f.fields, newField("$"+name, help, s.given[name]))
	}
	return f
}

// startExport asks where the answer goes.
func (s *Screen) startExport() (screen.Intent, tea.Cmd) {
	switch {
	case s.cfg.ReadOnly:
		return screen.Say{Level: screen.Warn, Text: "read only: nothing is written to files"}, nil
	case s.task.waiting:
		return screen.Say{Level: screen.Warn, Text: "a question is under way: esc stops it"}, nil
	case s.answer == nil || len(s.desk.Formats) == 0:
		return screen.Say{Text: "there is no answer to export yet"}, nil
	}
	f := &form{kind: exportForm, title: "export the answer", fields: []field{
		newField("file", "its folder must be there", "answer"+s.desk.Formats[0].Extension),
	}}
	f.notes = []string{
		"The question of the answer is asked again, and all of its rows are written.",
		"What they stand on goes into FILE.provenance.json, or into the file where the format has a place for it.",
	}
	s.over = f
	return nil, nil
}

func (f *form) key(s *Screen, msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, inForm, msg)
	switch action {
	case up:
		f.at = (f.at + len(f.fields) - 1) % len(f.fields)
	case down:
		f.at = (f.at + 1) % len(f.fields)
	case change:
		f.next(s)
	case accept:
		if f.at < len(f.fields)-1 && f.kind != scopeForm { // enter walks to the end first
			f.at++
			return nil, nil
		}
		return f.done(s)
	case dismiss:
		f.checking = false
		s.checks++ // an answer to it is nobody's
		s.over = nil
	default:
		if f.fields[f.at].editor.Key(msg) {
			f.err = nil
			f.follow(s)
		}
	}
	return nil, nil
}

// next takes the next format, and its extension.
func (f *form) next(s *Screen) {
	if f.kind != exportForm {
		return
	}
	path := f.fields[0].editor.Text()
	path = strings.TrimSuffix(path, s.desk.Formats[f.format].Extension)
	f.format = (f.format + 1) % len(s.desk.Formats)
	f.fields[0].editor.Set(path + s.desk.Formats[f.format].Extension)
}

// follow takes the format of the extension that is typed.
func (f *form) follow(s *Screen) {
	if f.kind != exportForm {
		return
	}
	path := strings.ToLower(f.fields[0].editor.Text())
	if i := slices.IndexFunc(s.desk.Formats, func(x Format) bool { return strings.HasSuffix(path, x.Extension) }); i >= 0 {
		f.format = i
	}
}

// done takes what was filled in.
func (f *form) done(s *Screen) (screen.Intent, tea.Cmd) {
	switch f.kind {
	case scopeForm:
		to := Scope{From: f.value(0), To: f.value(1)}
		to.Zones = strings.FieldsFunc(f.value(2), func(r rune) bool { return r == ' ' || r == ',' })
		switch f.value(3) {
		case "yes":
			to.SkipDamaged = true
		case "no", "":
		default:
			f.err, f.at = errors.New("without damaged objects: yes or no"), 3
			return nil, nil
		}
		f.checking, f.err = true, nil
		s.checks++
		question, data := s.checks, s.cfg.Data
		return nil, func() tea.Msg { return check(data, question, to) }
	case paramForm:
		for _, x := range f.fields {
			s.given[x.name[1:]] = x.editor.Text()
		}
		s.over = nil
		if f.run {
			return s.run()
		}
	case exportForm:
		path := f.value(0)
		if path == "" {
			f.err = errors.New("say which file")
			return nil, nil
		}
		s.over = nil
		return nil, s.export(s.of, Target{Path: path, Format: s.desk.Formats[f.format].Name})
	}
	return nil, nil
}

func (f *form) value(i int) string { return strings.TrimSpace(f.fields[i].editor.Text()) }

func (f *form) point(_ *Screen, msg tea.MouseMsg) {
	if _, click := msg.(tea.MouseClickMsg); click {
		if i := f.top + (msg.Mouse().Y-2)/3; msg.Mouse().Y >= 2 && i < len(f.fields) {
			f.at = i
		}
	}
}

func (f *form) keys(s *Screen) []key.Binding {
	out := s.bound(inForm, accept)
	if f.kind == exportForm {
		out = append(out, s.bound(inForm, change)...)
	}
	if len(f.fields) > 1 {
		out = append(out, s.bound(inForm, down, up)...)
	}
	return append(out, s.bound(inForm, dismiss)...)
}

func (f *form) lay(width, height int) {
	for _, x := range f.fields {
		f.names = max(f.names, min(20, safetext.Width(safetext.Cut(x.name, 20))))
	}
	for i := range f.fields {
		f.fields[i].editor.SetSize(max(1, width-f.names-6), 1)
	}
	f.top = 0
	if room := (height - 6) / 3; f.at >= room && room > 0 {
		f.top = f.at - room + 1
	}
}

func (f *form) lines(s *Screen, width int) []string {
	t, names := s.theme, f.names
	out := []string{s.rule(f.title, width, true), ""}
	for i := f.top; i < len(f.fields); i++ {
		x := &f.fields[i]
		mark, style := " ", t.Text
		if i == f.at {
			mark, style = t.Glyphs.Cursor, t.Strong
		}
		out = append(out,
			style.Render(safetext.Cut(mark+" "+safetext.FitRight(x.name, names)+"  ", width))+x.editor.View(t, nil, i == f.at, -1),
			t.Dim.Render(safetext.Cut(strings.Repeat(" ", names+4)+x.help, width)), "")
	}
	if f.kind == exportForm {
		out = append(out, "  "+f.formats(s, width-2), "")
	}
	for _, note := range f.notes {
		for _, line := range wrap(note, width-4, 3) {
			out = append(out, t.Dim.Render("  "+line))
		}
	}
	switch {
	case f.err != nil:
		out = append(out, "")
		mark := t.Glyphs.Bad
		for _, line := range wrap(f.err.Error(), width-6, 4) {
			out = append(out, t.Bad.Render("  "+mark+" "+line))
			mark = " "
		}
	case f.checking:
		out = append(out, "", t.Dim.Render(safetext.Cut("  looking whether there is such a thing "+t.Glyphs.Ellipsis, width)))
	}
	return out
}

// formats are those to choose from, the chosen one marked.
func (f *form) formats(s *Screen, width int) string {
	var b strings.Builder
	used := 0
	for i, x := range s.desk.Formats {
		text, style := " "+x.Name+" ", s.theme.Dim
		if i == f.format {
			text, style = "["+x.Name+"]", s.theme.Strong
		}
		if used += len(text); used > width {
			break
		}
		b.WriteString(style.Render(safetext.Line(text)))
	}
	return b.String()
}
