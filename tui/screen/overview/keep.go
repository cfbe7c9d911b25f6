package overview

import (
	"encoding/json"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

var (
	_ screen.Keeper = (*Screen)(nil)
	_ screen.Closer = (*Screen)(nil)
)

// kept is what outlives the session: the zone under the cursor.
type kept struct {
	Zone    string `json:"zone,omitempty"`
	Dataset string `json:"dataset,omitempty"`
}

// Keep returns it.
func (s *Screen) Keep() json.RawMessage {
	k := s.wanted
	if s.at < len(s.now.Zones) {
		k = kept{s.now.Zones[s.at].ID, s.now.Zones[s.at].Dataset}
	}
	b, err := json.Marshal(k)
	if err != nil {
		return nil // two texts
	}
	return b
}

// Restore takes it up when the zones are known.
func (s *Screen) Restore(state json.RawMessage) {
	var k kept
	if json.Unmarshal(state, &k) == nil {
		s.wanted = k
	}
}

// find puts the cursor where it was in the session before, once.
func (s *Screen) find() {
	for i, z := range s.now.Zones {
		if s.wanted.Zone != "" && z.ID == s.wanted.Zone && z.Dataset == s.wanted.Dataset {
			s.at = i
		}
	}
	s.wanted = kept{}
}

// Close cancels what is under way.
func (s *Screen) Close() {
	if s.cancel != nil {
		s.cancel()
	}
}
