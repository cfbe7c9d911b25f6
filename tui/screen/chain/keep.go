package chain

import "encoding/json"

// kept is what outlives the session.
type kept struct {
	Chain ID    `json:"chain"`
	Seq   int64 `json:"seq"`
	Part  part  `json:"part"`
	Show  uint8 `json:"show"`
	Local bool  `json:"local"`
	Level int   `json:"level"`
}

// Keep returns where somebody is.
func (s *Screen) Keep() json.RawMessage {
	k := kept{Seq: -1, Part: s.part, Show: uint8(s.show), Local: s.local, Level: s.level}
	switch {
	case s.book != nil:
		k.Chain = s.book.ID
		if row := s.table.Cursor(); row >= 0 && row < s.table.Total()-1 { // the last one is the newest, whichever that is then
			k.Seq = s.seqAt(row)
		}
	case s.want != nil:
		k.Chain, k.Seq = s.want.id, s.want.seq
	default:
		return nil
	}
	b, err := json.Marshal(k)
	if err != nil {
		return nil // plain values: it cannot fail
	}
	return b
}

// Restore goes back there.
func (s *Screen) Restore(state json.RawMessage) {
	k := kept{Seq: -1}
	if json.Unmarshal(state, &k) != nil || k.Chain == (ID{}) {
		return
	}
	s.want = &wanted{id: k.Chain, seq: max(-1, k.Seq)}
	if k.Part < parts {
		s.part = k.Part
	}
	if k.Show < uint8(filterings) {
		s.show = filtering(k.Show)
	}
	if k.Level >= 0 && k.Level < len(levels) {
		s.level = k.Level
	}
	s.local = k.Local
}
