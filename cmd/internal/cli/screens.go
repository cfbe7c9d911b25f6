package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/cases"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
	collectorscreen "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
	"github.com/fabriziosalmi/rainlogs/tui/screen/hunt"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/screen/overview"
	"github.com/fabriziosalmi/rainlogs/tui/screen/settings"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
)

// stationKeys is the live key map: the defaults, with a config's keys in their place.
func stationKeys(rebound config.Keys) (*keymap.Map, error) {
	entries := slices.Concat(app.Keys(screen.All...),
		overview.Keys(), investigate.Keys(), sql.Keys(), chain.Keys(), hunt.Keys(), cases.Keys(), collectorscreen.Keys(), settings.Keys())
	m, err := keymap.New(entries, rebound.Bindings())
	if err != nil {
		return nil, site.Usagef("tui.keys: %w", err)
	}
	return m, nil
}

// screens are the workstation's screens over an archive, for a person; closing ends what they ask.
func (s *station) screens(ctx context.Context, person string) (all map[screen.Name]screen.Screen, closing func() error, err error) {
	book, err := s.book(person)
	if err != nil {
		return nil, nil, err
	}
	records, closeRecords, err := s.openLookup()
	if err != nil {
		return nil, nil, err
	}
	hunter, err := s.quietClient()
	if err != nil {
		return nil, nil, err
	}
	desk := newSQLDesk(ctx, s)
	readOnly := s.readOnly != ""
	look := investigate.New(investigate.Config{Data: records, Marks: book, Keys: s.keys, Local: time.Local, Now: s.env.Now, ReadOnly: readOnly})
	closing = func() error {
		look.Close() // its questions end, which closing records waits for
		err := errors.Join(closeRecords(), hunter.Close(), desk.close())
		s.w.closeBook(book) // nothing is noted behind it
		return err
	}
	marked := &caseStation{s, book, readOnly}
	return map[screen.Name]screen.Screen{
		screen.Overview:    overview.New(overview.Config{Data: s, Keys: s.keys}),
		screen.Investigate: look,
		screen.SQL:         sql.New(sql.Config{Data: &notedSQL{desk, book, readOnly}, Tongue: sql.Tongue{Tokens: sqlTokens, Statement: records.Statement}, Keys: s.keys, Local: time.Local, ReadOnly: readOnly}),
		screen.Chain:       chain.New(chain.Config{Data: &notedChain{s.chainView(), book, readOnly}, Keys: s.keys, Local: time.Local}),
		screen.Hunt:        hunt.New(hunt.Config{Data: &huntStation{marked, hunter}, Keys: s.keys, Local: time.Local}),
		screen.Case:        s.caseScreen(book, s.keys, readOnly),
		screen.Collector:   collectorscreen.New(collectorscreen.Config{Data: &overseer{env: s.env, g: s.g}, Keys: s.keys, Local: time.Local, ReadOnly: readOnly}),
		screen.Help:        settings.New(settings.Config{Data: s, Keys: s.keys}),
	}, closing, nil
}

// book opens the cases. Where nothing can be written, they are read.
func (s *station) book(person string) (*casebook.Book, error) {
	if s.readOnly != "" {
		return s.w.openBook(person, true, true)
	}
	b, err := s.w.openBook(person, true, false)
	if err == nil {
		return b, nil
	}
	s.readOnly = err.Error()
	s.notice = screen.Say{Level: screen.Warn, Text: "read-only: " + s.readOnly}
	return s.w.openBook(person, true, true)
}
