package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
	collectorscreen "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/screen/overview"
	"github.com/fabriziosalmi/rainlogs/tui/screen/settings"
)

// stationKeys is the live key map: the defaults, with a config's keys in their place.
func stationKeys(rebound config.Keys) (*keymap.Map, error) {
	entries := slices.Concat(app.Keys(screen.Overview, screen.Investigate, screen.Chain, screen.Collector, screen.Help),
		overview.Keys(), investigate.Keys(), chain.Keys(), collectorscreen.Keys(), settings.Keys())
	m, err := keymap.New(entries, rebound.Bindings())
	if err != nil {
		return nil, site.Usagef("tui.keys: %w", err)
	}
	return m, nil
}

// screens are the workstation's screens over an archive; closing ends what they ask.
func (s *station) screens(ctx context.Context) (all map[screen.Name]screen.Screen, closing func() error, err error) {
	records, closeRecords, err := s.openLookup(ctx)
	if err != nil {
		return nil, nil, err
	}
	closing = func() error { return errors.Join(closeRecords()) }
	readOnly := s.readOnly != ""
	return map[screen.Name]screen.Screen{
		screen.Overview:    overview.New(overview.Config{Data: s, Keys: s.keys}),
		screen.Investigate: investigate.New(investigate.Config{Data: records, Keys: s.keys, Local: time.Local, Now: s.env.Now, ReadOnly: readOnly}),
		screen.Chain:       chain.New(chain.Config{Data: s.chainView(), Keys: s.keys, Local: time.Local}),
		screen.Collector:   collectorscreen.New(collectorscreen.Config{Data: &overseer{env: s.env, g: s.g}, Keys: s.keys, Local: time.Local, ReadOnly: readOnly}),
		screen.Help:        settings.New(settings.Config{Data: s, Keys: s.keys}),
	}, closing, nil
}
