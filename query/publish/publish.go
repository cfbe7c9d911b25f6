package publish

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Config says what is published, and where.
type Config struct {
	Store    storage.Storage
	Location string // URI of the store's root, as other engines name it
	Archive  string // UUID
	Dataset  string
	Chains   []dataset.Chain // of the dataset; the table's other zones are left as they are
	Cache    *columns.Cache
	TempDir  string        // for files on their way, "" = os.TempDir()
	Range    dataset.Range // of the windows' starts; what lies outside is not added
	DryRun   bool
	Anew     bool // begin a table anew, whatever stands there
	Jobs     int  // files made at once, 0 = GOMAXPROCS
	Portion  int  // files added by one snapshot at most, 0 = 500
	Now      func() time.Time
	NewID    func() int64 // of a snapshot, positive
	Log      *slog.Logger
	// Progress is called, not concurrently, after each file.
	Progress func(done, total int)
}

func (c *Config) withDefaults() {
	if c.Jobs <= 0 {
		c.Jobs = runtime.GOMAXPROCS(0)
	}
	if c.Portion <= 0 {
		c.Portion = 500
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = newID
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(int, int) {}
	}
	c.Location = strings.TrimRight(c.Location, "/")
}

func newID() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
}

// Problem is an object that is not published, or a file that is not removed.
type Problem struct {
	Key  string `json:"key"`
	Text string `json:"problem"`
}

// Summary says what a run did; a dry one, what it would do.
type Summary struct {
	Dataset  string `json:"dataset"`
	Table    string `json:"table"`   // its URI
	Version  int64  `json:"version"` // of the metadata, 0 for no table
	Snapshot int64  `json:"snapshot,omitempty"`

	Files     int       `json:"files"` // in the table
	Rows      int64     `json:"rows"`
	Added     int       `json:"added"`
	AddedRows int64     `json:"added_rows"`
	Bytes     int64     `json:"added_bytes"`
	Removed   int       `json:"removed"` // their entries have expired, or are no more
	Swept     int       `json:"swept"`   // files that no table names
	LeftOut   []string  `json:"left_out,omitempty"`
	Problems  []Problem `json:"problems,omitempty"` // at most 100
	More      int       `json:"more_problems,omitempty"`
	Damaged   int       `json:"damaged"` // objects that are not what was sealed, of the problems
}

// run is the state of one Run.
type run struct {
	Config
	objects
	sum    Summary
	live   map[origin]*evidence.Entry // by origin with its hour
	kept   map[origin]bool            // of these, what has expired and is held: it stays, and is not added
	failed map[origin]bool            // not to be tried again
	done   int
	total  int
}

// conflicts is how often a run begins anew because another one was faster.
const conflicts = 10

// Run brings a dataset's table up to date. What could not be published is in
// the summary's problems; everything else is.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	cfg.withDefaults()
	r := &run{Config: cfg, objects: objects{cfg.Store}, live: map[origin]*evidence.Entry{}, kept: map[origin]bool{}, failed: map[origin]bool{}}
	r.sum.Dataset, r.sum.Table = cfg.Dataset, r.location()
	for _, c := range cfg.Chains {
		gone := expired(c.Entries)
		for _, e := range live(c.Entries, gone) {
			o := originOf(e).hour()
			r.live[o], r.kept[o] = e, gone[e.Seq]
		}
	}
	lost := 0
	for {
		more, err := r.portion(ctx)
		if errors.Is(err, errConflict) && lost < conflicts && ctx.Err() == nil {
			lost++
			r.Log.Info("another run published meanwhile, beginning anew", "dataset", cfg.Dataset)
			continue
		}
		if err != nil || !more {
			if err != nil {
				err = fmt.Errorf("publish columns of %s: %w", cfg.Dataset, err)
			}
			return r.sum, err
		}
	}
}

func (r *run) location() string { return r.Location + "/" + strings.TrimSuffix(root(r.Dataset), "/") }

// portion commits one snapshot, and reports whether there is more to do.
func (r *run) portion(ctx context.Context) (more bool, _ error) {
	t, err := r.open(ctx)
	if err != nil {
		return false, err
	}
	missing, gone := r.plan(t)
	if r.DryRun {
		r.dry(t, missing, gone)
		return false, nil
	}
	r.total = max(r.total, r.done+len(missing))
	made, err := r.make(ctx, t, missing[:min(len(missing), r.Portion)])
	if err != nil {
		return false, err
	}
	if len(made) > 0 || len(gone) > 0 || t.meta != nil && t.meta.Location != r.location() {
		if err := r.commit(ctx, t, made, gone); err != nil {
			return false, err
		}
		r.remove(ctx, t, gone)
	}
	if len(missing) > r.Portion {
		return true, nil
	}
	r.report(t)
	return false, r.tidy(ctx, t)
}

// table is the table as a portion found it, and then as it is.
type table struct {
	meta    *metadata // nil for none
	version int64
	held    *contents
	stored  map[string]storage.Info // what is in the store below data/
	columns *evolution
}

func (r *run) open(ctx context.Context) (*table, error) {
	t := &table{stored: map[string]storage.Info{}}
	var err error
	t.meta, t.version, err = r.load(ctx, r.Dataset, r.Archive)
	if r.Anew && (err == nil || errors.Is(err, ErrForeign)) {
		t.meta, err = nil, nil
	}
	if err == nil && t.meta != nil {
		err = t.meta.behind(r.Chains)
	}
	if err != nil {
		return nil, err
	}
	if t.held, err = r.contentsOf(ctx, r.Dataset, t.meta); err != nil {
		return nil, err
	}
	for info, err := range r.List(ctx, dataPrefix(r.Dataset), "") {
		if err != nil {
			return nil, fmt.Errorf("list files: %w", err)
		}
		t.stored[info.Key] = info
	}
	if t.meta == nil {
		t.columns = newEvolution(r.Dataset, nil, 0)
	} else {
		t.columns = newEvolution(r.Dataset, t.meta.schema().Fields(), t.meta.LastColumn)
	}
	return t, nil
}

// plan returns the entries whose files are to be added, in the order of their
// windows, and the files that are to leave the table.
func (r *run) plan(t *table) (missing []*evidence.Entry, gone []*published) {
	read := map[string]bool{}
	for _, c := range r.Chains {
		read[c.ID.Zone] = true
	}
	for o, f := range t.held.files {
		info, stored := t.stored[f.key]
		whole := stored && info.Size == f.entry.DataFile().FileSizeBytes()
		if read[o.zone] && (r.live[o] == nil || !whole) {
			gone = append(gone, f)
			delete(t.held.files, o)
		}
	}
	slices.SortFunc(gone, func(a, b *published) int { return strings.Compare(a.key, b.key) })
	for o, e := range r.live {
		at := e.Window.Start
		if t.held.files[o] == nil && !r.failed[o] && !r.kept[o] &&
			(r.Range.From.IsZero() || !at.Before(r.Range.From)) && (r.Range.To.IsZero() || at.Before(r.Range.To)) {
			missing = append(missing, e)
		}
	}
	slices.SortFunc(missing, func(a, b *evidence.Entry) int {
		if c := a.Window.Start.Compare(b.Window.Start); c != 0 {
			return c
		}
		return strings.Compare(originOf(a).key("", ""), originOf(b).key("", ""))
	})
	return missing, gone
}

func (r *run) dry(t *table, missing []*evidence.Entry, gone []*published) {
	r.sum.Added, r.sum.Removed = len(missing), len(gone)
	for _, e := range missing {
		r.sum.AddedRows += e.Content.Lines
	}
	r.report(t)
}

// report counts what is in the table.
func (r *run) report(t *table) {
	r.sum.Version, r.sum.Files, r.sum.Rows = t.version, len(t.held.files), 0
	for _, f := range t.held.files {
		r.sum.Rows += f.entry.DataFile().Count()
	}
	if t.meta != nil {
		r.sum.Snapshot = t.meta.CurrentID
	}
	r.sum.LeftOut = slices.Sorted(maps.Keys(t.columns.leftOut))
}

func (r *run) problem(key string, err error) {
	var damage *dataset.DamageError
	if errors.As(err, &damage) {
		r.sum.Damaged++
	}
	if len(r.sum.Problems) == 100 {
		r.sum.More++
		return
	}
	r.sum.Problems = append(r.sum.Problems, Problem{key, err.Error()})
}
