package dataset

import "slices"

// Provenance says what a dataset stands on.
type Provenance struct {
	Range    Range             `json:"range"`
	Chains   []ChainProvenance `json:"chains"`
	Objects  ObjectCount       `json:"objects"`
	Coverage Coverage          `json:"coverage"`
}

// ChainProvenance is a chain's identity and head.
type ChainProvenance struct {
	Zone    string `json:"zone"`
	Dataset string `json:"dataset"`
	Head
}

// ObjectCount counts the objects of a range, and how an answer came by those that it needed.
type ObjectCount struct {
	Selected int            `json:"selected"`          // the range's, needed or not
	Columns  int            `json:"columns"`           // answered from columns that were derived from them when they were verified
	Verified int            `json:"verified"`          // read: their SHA-256 is the sealed one
	Bytes    int64          `json:"bytes"`             // as stored, of both
	Lines    int64          `json:"lines"`             // of both
	Damaged  []*DamageError `json:"damaged,omitempty"` // left out of the answer
}

// Use says which objects of a dataset an answer needed.
type Use struct {
	Columns []*Object // answered from columns
	Read    []*Object // those that a check found damaged included
}

// ScanStats counts what a query met in the lines it read. Only columns that
// the query used are looked at.
type ScanStats struct {
	Lines      int64            `json:"lines"`                // read
	Unreadable int64            `json:"unreadable,omitempty"` // of them not a JSON object: all columns are NULL, _error says why
	Mistyped   map[string]int64 `json:"mistyped,omitempty"`   // column to values that are not of its type, shown as NULL
	Unlisted   []string         `json:"unlisted,omitempty"`   // members met that have no column; see raw
}

func (d *Dataset) coverage() Coverage {
	ledgers := make([][]Span, len(d.chains))
	for _, s := range d.Spans() {
		i := slices.IndexFunc(d.chains, func(c Chain) bool { return c.ID.Zone == s.Zone })
		ledgers[i] = append(ledgers[i], s)
	}
	c, _ := judge(ledgers, d.opts.Range, d.opts.Tail)
	return c
}

// Provenance returns what an answer stands on.
func (d *Dataset) Provenance(use Use) Provenance {
	p := Provenance{Range: d.opts.Range, Coverage: d.coverage()}
	for _, c := range d.chains {
		p.Chains = append(p.Chains, ChainProvenance{c.ID.Zone, c.ID.Dataset, c.Head})
	}
	p.Objects.Selected = len(d.objects)
	counted := make(map[*Object]bool, len(use.Columns)+len(use.Read))
	count := func(o *Object) (first bool) {
		if counted[o] {
			return false
		}
		counted[o] = true
		p.Objects.Bytes += o.Entry.Object.Bytes
		p.Objects.Lines += o.Entry.Content.Lines
		return true
	}
	for _, o := range use.Columns {
		if count(o) {
			p.Objects.Columns++
		}
	}
	seen := make(map[*Object]bool, len(use.Read))
	for _, o := range use.Read {
		switch {
		case seen[o]:
		case o.Damaged():
			p.Objects.Damaged = append(p.Objects.Damaged, o.Damage())
		default:
			p.Objects.Verified++
			count(o)
		}
		seen[o] = true
	}
	return p
}
