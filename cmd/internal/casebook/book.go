package casebook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Config says whose book it is.
type Config struct {
	Dir     string // of the archives' cases: each has a folder in it
	Archive string // id
	Who     string // user@host
	Program string // "rainlogs 1.0.0"
	Now     func() time.Time
	// Session: the process works on a case for a while, and its coming and going is noted.
	Session  bool
	ReadOnly bool
}

// Book is the cases of one archive, of which one is current. It is safe for concurrent use.
type Book struct {
	cfg Config
	dir string

	mu      sync.Mutex
	current *Case
}

// Open returns the book of an archive. It makes nothing on disk.
func Open(cfg Config) (*Book, error) {
	if cfg.Archive == "" || cfg.Archive != filepath.Base(cfg.Archive) || strings.HasPrefix(cfg.Archive, ".") {
		return nil, fmt.Errorf("archive id %q names no folder", cfg.Archive)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Book{cfg: cfg, dir: filepath.Join(cfg.Dir, cfg.Archive)}, nil
}

// Dir is the folder of the archive's cases.
func (b *Book) Dir() string { return b.dir }

// ErrNotFound: there is no case of a name.
var ErrNotFound = errors.New("no such case")

// List returns the cases, those changed last first. One that cannot be read
// has its Damage.
func (b *Book) List() ([]State, error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	var out []State
	for _, e := range entries {
		c, err := b.Case(e.Name())
		if err != nil {
			continue // a file, or a folder without a journal
		}
		s, err := c.State()
		if err != nil {
			s = State{Name: e.Name(), Title: e.Name(), Damage: err}
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b State) int { return b.Updated.Compare(a.Updated) })
	return out, nil
}

// Case returns the case of a name.
func (b *Book) Case(name string) (*Case, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("%w: %.60q is not a name", ErrNotFound, name)
	}
	dir := filepath.Join(b.dir, name)
	if info, err := os.Stat(filepath.Join(dir, journalName)); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != nil && b.current.name == name {
		return b.current, nil
	}
	return &Case{book: b, name: name, j: newJournal(dir)}, nil
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	notName     = regexp.MustCompile(`[^a-z0-9]+`)
)

// nameOf makes a folder's name of a title.
func nameOf(title string) string {
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(title), "-"), "-")
	if len(name) > 48 {
		name = strings.TrimRight(name[:48], "-")
	}
	if name == "" {
		return "case"
	}
	return name
}

// Create begins a case. Its folder is named after the title as far as that goes.
func (b *Book) Create(ctx context.Context, title string) (*Case, error) {
	if b.cfg.ReadOnly {
		return nil, ErrReadOnly
	}
	title, err := checkTitle(title)
	if err != nil {
		return nil, err
	}
	base := nameOf(title)
	for i := 1; i <= 1000; i++ {
		name := base
		if i > 1 {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		c, err := b.begin(ctx, name, title)
		if !errors.Is(err, errTaken) {
			return c, err
		}
	}
	return nil, fmt.Errorf("there are too many cases named %s", base)
}

var errTaken = errors.New("name is taken")

func (b *Book) begin(ctx context.Context, name, title string) (*Case, error) {
	c := &Case{book: b, name: name, j: newJournal(filepath.Join(b.dir, name))}
	if _, err := os.Stat(c.j.path()); err == nil {
		return nil, errTaken
	}
	if err := os.MkdirAll(c.j.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make case: %w", err)
	}
	err := c.do(ctx, func(s *State) (*Event, error) {
		if len(s.Events) > 0 {
			return nil, errTaken
		}
		return &Event{Kind: Created, Archive: b.cfg.Archive, Title: title}, nil
	})
	if err != nil {
		return nil, err
	}
	if err := syncFolder(b.dir); err != nil {
		return nil, err
	}
	return c, nil
}

// currentName is the file that names the case that is opened first.
const currentName = "current"

// Current is the case that is worked on: the one chosen, in this process or
// before; else the one changed last. nil if there is none.
func (b *Book) Current() (*Case, error) {
	b.mu.Lock()
	c := b.current
	b.mu.Unlock()
	if c != nil {
		return c, nil
	}
	name, err := os.ReadFile(filepath.Join(b.dir, currentName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find current case: %w", err)
	}
	c, err = b.Case(strings.TrimSpace(string(name)))
	if errors.Is(err, ErrNotFound) {
		all, err := b.List()
		if err != nil || len(all) == 0 {
			return nil, err
		}
		if c, err = b.Case(all[0].Name); err != nil {
			return nil, err
		}
	}
	return b.adopt(c), nil
}

// adopt makes a case the process's current one, unless it has one by now.
func (b *Book) adopt(c *Case) *Case {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == nil {
		b.current = c
	}
	return b.current
}

// Choose makes a case the current one, in this process and those that start later.
func (b *Book) Choose(ctx context.Context, c *Case) error {
	b.mu.Lock()
	before := b.current
	b.current = c
	b.mu.Unlock()
	if b.cfg.ReadOnly {
		return nil
	}
	var errs []error
	if before != nil && before != c {
		errs = append(errs, before.Close(ctx))
	}
	path := filepath.Join(b.dir, currentName)
	draft := fmt.Sprintf("%s.%d", path, os.Getpid())
	err := os.WriteFile(draft, []byte(c.name+"\n"), 0o600)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("remember current case: %w", err), os.Remove(draft))
	}
	return errors.Join(errs...)
}

// Need is the current case, begun if there is none.
func (b *Book) Need(ctx context.Context) (*Case, error) {
	c, err := b.Current()
	if err != nil || c != nil {
		return c, err
	}
	if c, err = b.Create(ctx, "Case of "+b.cfg.Now().UTC().Format("2006-01-02")); err != nil {
		return nil, err
	}
	return c, b.Choose(ctx, c)
}

// Asked keeps a question in the current case; without a case it is not kept.
func (b *Book) Asked(ctx context.Context, q Query) error {
	c, err := b.Current()
	if err != nil || c == nil {
		return err
	}
	return c.Asked(ctx, q)
}

// HandedOut keeps in the current case that an answer was written; without a case it is not kept.
func (b *Book) HandedOut(ctx context.Context, x Export) error {
	c, err := b.Current()
	if err != nil || c == nil {
		return err
	}
	return c.HandedOut(ctx, x)
}

// Verified keeps in the current case that the archive was verified; without a case it is not kept.
func (b *Book) Verified(ctx context.Context, v Verification) error {
	c, err := b.Current()
	if err != nil || c == nil {
		return err
	}
	return c.Verified(ctx, v)
}

// Close says that the process no longer works on the current case.
func (b *Book) Close(ctx context.Context) error {
	b.mu.Lock()
	c := b.current
	b.mu.Unlock()
	if c == nil || b.cfg.ReadOnly {
		return nil
	}
	return c.Close(ctx)
}

// Marks returns the current case's bookmarks; none without a case.
func (b *Book) Marks(context.Context) ([]inquiry.Bookmark, error) {
	c, err := b.Current()
	if err != nil || c == nil {
		return nil, err
	}
	s, err := c.State()
	return s.Bookmarks, err
}

// Mark keeps a record in the current case, which is begun if there is none.
func (b *Book) Mark(ctx context.Context, m inquiry.Bookmark) error {
	c, err := b.Need(ctx)
	if err != nil {
		return err
	}
	return c.Mark(ctx, m)
}

// Unmark lets a record of the current case go.
func (b *Book) Unmark(ctx context.Context, ref inquiry.Ref) error {
	c, err := b.Current()
	if err != nil || c == nil {
		return err
	}
	return c.Unmark(ctx, ref)
}
