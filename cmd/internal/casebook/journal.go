package casebook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	journalName = "case.jsonl"
	lockName    = "case.lock"
	maxJournal  = 256 << 20
	// patience is how long a lock is waited for: who has it writes one line.
	patience = 10 * time.Second
)

// DamageError is a journal that is not what was written.
type DamageError struct {
	Path string
	Err  error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("case journal %s is damaged: %v (what comes before is shown, nothing is added; begin a new case)", e.Path, e.Err)
}

func (e *DamageError) Unwrap() error { return e.Err }

// journal is a file of events, as far as it was read.
type journal struct {
	dir    string
	offset int64 // behind the last whole line
	last   int64 // where that line begins
	head   string
	events []Event
	torn   []byte // behind offset, without a line feed
	damage error
}

func newJournal(dir string) *journal { return &journal{dir: dir, head: emptyHash} }

func (j *journal) path() string { return filepath.Join(j.dir, journalName) }

// refresh reads what was appended since. Damage is kept in j.damage and is no
// error; a journal that is not there is an empty one.
func (j *journal) refresh() error {
	f, err := os.Open(j.path())
	if errors.Is(err, fs.ErrNotExist) {
		*j = *newJournal(j.dir)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read case: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if !j.same(f) {
		*j = *newJournal(j.dir)
	}
	return j.read(io.NewSectionReader(f, j.offset, maxJournal+1))
}

// read takes what stands behind the last line that was read.
func (j *journal) read(f io.Reader) error {
	j.torn, j.damage = nil, nil
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(r)
		switch {
		case errors.Is(err, io.EOF):
			j.torn = line
			return nil
		case errors.Is(err, errLong):
			j.damage = &DamageError{j.path(), fmt.Errorf("line %d is longer than %d bytes", len(j.events)+1, maxLine)}
			return nil
		case err != nil:
			return fmt.Errorf("read case: %w", err)
		}
		e, err := decode(line, int64(len(j.events))+1, j.head)
		if err != nil {
			j.damage = &DamageError{j.path(), err}
			return nil //nolint:nilerr // it is kept: what comes before is a case all the same
		}
		j.take(e, line)
		if j.offset > maxJournal {
			j.damage = &DamageError{j.path(), fmt.Errorf("it is larger than %d bytes", maxJournal)}
			return nil
		}
	}
}

func (j *journal) take(e Event, line []byte) {
	j.events, j.head = append(j.events, e), hashOf(line)
	j.last, j.offset = j.offset, j.offset+int64(len(line))+1
}

// same reports whether the last line that was read is still there.
func (j *journal) same(f *os.File) bool {
	if j.offset == 0 {
		return true
	}
	line := make([]byte, j.offset-j.last)
	if _, err := f.ReadAt(line, j.last); err != nil {
		return false
	}
	return line[len(line)-1] == '\n' && hashOf(line[:len(line)-1]) == j.head
}

var errLong = errors.New("line too long")

// readLine returns the next line without its line feed; with io.EOF what is behind the last.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case len(line) > maxLine:
			return nil, errLong
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err //nolint:wrapcheck // io.EOF is told apart, the rest wrapped by the caller
		}
	}
}

// do decides on an event from what the journal holds, and appends it. A
// decision for nil appends nothing.
func (j *journal) do(ctx context.Context, decide func() (*Event, error)) (err error) {
	unlock, err := j.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := j.refresh(); err != nil {
		return err
	}
	if j.damage != nil {
		return j.damage
	}
	e, err := decide()
	if err != nil || e == nil {
		return err
	}
	f, err := os.OpenFile(j.path(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open case: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if len(j.torn) > 0 {
		told, err := j.setAside(f)
		if err != nil {
			return err
		}
		told.Time, told.Who, told.Program = e.Time, e.Who, e.Program
		if err := j.write(f, told); err != nil {
			return err
		}
	}
	return j.write(f, *e)
}

func (j *journal) lock(ctx context.Context) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l := flock.New(filepath.Join(j.dir, lockName), flock.SetPermissions(0o600))
	if ok, err := l.TryLockContext(ctx, 20*time.Millisecond); err != nil || !ok {
		return nil, fmt.Errorf("lock case: another process is writing to it, or its folder cannot be written: %w", err)
	}
	return func() error {
		if err := l.Unlock(); err != nil {
			return fmt.Errorf("unlock case: %w", err)
		}
		return nil
	}, nil
}

// write appends a line, or leaves the file as it was.
func (j *journal) write(f *os.File, e Event) error {
	e.V, e.N, e.Prev = Version, int64(len(j.events))+1, j.head
	line, err := encode(e)
	if err != nil {
		return err
	}
	if j.offset+int64(len(line)) > maxJournal {
		return fmt.Errorf("case is full: its journal may have %d bytes; begin a new case", maxJournal)
	}
	_, err = f.WriteAt(line, j.offset)
	if err == nil {
		err = f.Sync()
	}
	if err == nil && j.offset == 0 {
		err = syncFolder(j.dir)
	}
	if err != nil {
		// What was written of it must not be found by the next reader.
		return errors.Join(fmt.Errorf("write case: %w", err), f.Truncate(j.offset))
	}
	if e, err = decode(line[:len(line)-1], e.N, e.Prev); err != nil { // as a reader will have it
		return fmt.Errorf("write case: %w", err)
	}
	j.take(e, line[:len(line)-1])
	return nil
}

// setAside puts the beginning of a line into a file of its own and takes it out of the journal.
func (j *journal) setAside(f *os.File) (Event, error) {
	sum := hashOf(j.torn)
	t := Torn{File: "torn-" + sum[:16], Bytes: int64(len(j.torn)), SHA256: sum}
	aside, err := os.OpenFile(filepath.Join(j.dir, t.File), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return Event{}, fmt.Errorf("keep a torn line of the case: %w", err)
	}
	_, err = aside.Write(j.torn)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err == nil {
		err = f.Truncate(j.offset)
	}
	if err != nil {
		return Event{}, fmt.Errorf("keep a torn line of the case: %w", err)
	}
	j.torn = nil
	return Event{Kind: SetAside, Torn: &t}, nil
}

func syncFolder(path string) (err error) {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
