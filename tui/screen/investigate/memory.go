package investigate

import (
	"encoding/json"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// memory is what outlives a session. It may be of another version.
type memory struct {
	Views   []inquiry.View      `json:"views,omitempty"` // the way, the first first
	At      int                 `json:"at"`              // the view that is looked at
	Row     int64               `json:"row,omitempty"`
	Columns map[string][]string `json:"columns,omitempty"`
	Facets  map[string][]string `json:"facets,omitempty"`
	Folds   map[string]bool     `json:"folds,omitempty"` // fields that are folded, or are not, by the person's hand
	By      map[string]string   `json:"by,omitempty"`    // what the bars are parted by, by dataset
	Local   bool                `json:"local,omitempty"`
	Record  bool                `json:"record,omitempty"` // the record pane is open
}

// most views of a session that are remembered.
const mostRemembered = 50

// Keep returns what should survive a restart: where one was, and how it looked.
func (s *Screen) Keep() json.RawMessage {
	m := s.restored
	if s.history.here() != nil {
		m = memory{Columns: s.columns, Facets: s.fields, Folds: s.folds, By: s.by, Local: s.local, Record: s.open, Row: max(0, s.table.Cursor())}
		way := s.history.way()
		m.At = len(way) - 1
		for i := s.history.at; s.history.nodes[i].last >= 0; i = s.history.nodes[i].last {
			way = append(way, s.history.nodes[i].last)
		}
		if over := len(way) - mostRemembered; over > 0 {
			over = min(over, m.At)
			way, m.At = way[over:], m.At-over
		}
		for _, i := range way[:min(len(way), mostRemembered)] {
			m.Views = append(m.Views, s.history.nodes[i].view)
		}
	}
	out, err := json.Marshal(m)
	if err != nil { // there is nothing in it that cannot be written
		return nil
	}
	return out
}

// Restore takes what Keep returned, as far as it is understood.
func (s *Screen) Restore(state json.RawMessage) {
	var m memory
	if json.Unmarshal(state, &m) != nil {
		return
	}
	s.restored = m
	if m.Columns != nil {
		s.columns = m.Columns
	}
	if m.Facets != nil {
		s.fields = m.Facets
	}
	if m.Folds != nil {
		s.folds = m.Folds
	}
	if m.By != nil {
		s.by = m.By
	}
	s.local = m.Local && s.cfg.Local != nil
	s.open = m.Record
}

// recall makes the history of the last session, as far as its datasets and
// zones are still there, and reports whether any is.
func (s *Screen) recall() bool {
	m := s.restored
	at, row := -1, int64(0)
	for i, v := range m.Views {
		if !s.exists(v) {
			continue
		}
		s.history.push(s.settle(v))
		if i <= m.At {
			at = s.history.at
		}
		if i == m.At {
			row = m.Row
		}
	}
	if at < 0 {
		s.history = tree{}
		return false
	}
	s.history.to(at)
	s.history.here().row = max(0, row)
	return true
}

// exists reports whether what a view is of is there.
func (s *Screen) exists(v inquiry.View) bool {
	for _, id := range v.Zones {
		one := v
		one.Zones = []string{id}
		if len(s.zonesOf(one)) == 0 {
			return false
		}
	}
	for _, f := range v.Filters {
		if f.Check() != nil {
			return false
		}
	}
	return len(s.zonesOf(v)) > 0
}
