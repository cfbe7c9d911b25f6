package dataset

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

// ObjectCount counts the objects that a range needs.
type ObjectCount struct {
	Selected int            `json:"selected"`
	Verified int            `json:"verified"`          // their SHA-256 is the sealed one
	Bytes    int64          `json:"bytes"`             // as stored, of the verified
	Lines    int64          `json:"lines"`             // of the verified
	Damaged  []*DamageError `json:"damaged,omitempty"` // left out of the answer
}

// ScanStats counts what a query met in the lines it read. Only columns that
// the query used are looked at.
type ScanStats struct {
	Lines      int64            `json:"lines"`                // read
	Unreadable int64            `json:"unreadable,omitempty"` // of them not a JSON object: all columns are NULL, _error says why
	Mistyped   map[string]int64 `json:"mistyped,omitempty"`   // column to values that are not of its type, shown as NULL
	Unlisted   []string         `json:"unlisted,omitempty"`   // members met that have no column; see raw
}

// Provenance returns what the dataset stands on.
func (d *Dataset) Provenance() Provenance {
	p := Provenance{Range: d.opts.Range, Coverage: coverageOf(d.spans, d.opts.Range, d.opts.Tail)}
	for _, c := range d.chains {
		p.Chains = append(p.Chains, ChainProvenance{c.ID.Zone, c.ID.Dataset, c.Head})
	}
	p.Objects = ObjectCount{Selected: len(d.objects) + len(d.damaged), Verified: len(d.objects), Damaged: d.damaged}
	for _, o := range d.objects {
		p.Objects.Bytes += o.Entry.Object.Bytes
		p.Objects.Lines += o.Entry.Content.Lines
	}
	return p
}
