package daemonlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Off is the source of no log at all.
const Off = "off"

// The prefixes of sources that are a unit of the journal, and a file.
const (
	journalPrefix = "journal:"
	filePrefix    = "file:"
)

// The bounds of what is read.
const (
	MaxLines = 300
	maxBytes = 512 << 10
	maxLine  = 8 << 10
	patience = 5 * time.Second
)

// Errors of Tail, besides those of files and processes.
var (
	ErrOff       = errors.New("the log is not looked at: tui.log is off")
	ErrNoJournal = errors.New("this machine has no journalctl")
	ErrEmpty     = errors.New("there is no line")
)

// Line is a line of the log.
type Line struct {
	At    time.Time // zero if it does not say
	Level string    // DEBUG, INFO, WARN, ERROR; "" if it does not say
	Text  string
}

// Describe says what a source is, in words.
func Describe(source string) string {
	if unit, ok := strings.CutPrefix(source, journalPrefix); ok {
		return "the journal of unit " + unit
	}
	return strings.TrimPrefix(source, filePrefix)
}

// Tail returns the last lines of a source, "journal:UNIT" or "file:PATH", the latest last. They are as they were
// written: hostile text, if such was logged.
func Tail(ctx context.Context, source string) ([]Line, error) {
	if source == Off || source == "" {
		return nil, ErrOff
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	read, parse, place := tailOfFile, parse, strings.TrimPrefix(source, filePrefix)
	if unit, ok := strings.CutPrefix(source, journalPrefix); ok {
		read, parse, place = tailOfJournal, parseJournal, unit
	}
	b, err := read(ctx, place)
	if err != nil {
		return nil, err
	}
	var out []Line
	for line := range bytes.Lines(b) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			out = append(out, parse(line))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: %w", Describe(source), ErrEmpty)
	}
	return out[max(0, len(out)-MaxLines):], nil
}

// tailOfFile reads the end of a regular file, whole lines of it.
func tailOfFile(_ context.Context, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // of a pipe it would wait
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("open log: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("open log: %s is no regular file", path)
	}
	from := max(0, info.Size()-maxBytes)
	b, err := io.ReadAll(io.NewSectionReader(f, from, maxBytes))
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	if from > 0 { // the first line is cut
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	return b, nil
}

// tailOfJournal asks journalctl, which says what this user may see.
func tailOfJournal(ctx context.Context, unit string) ([]byte, error) {
	path, err := exec.LookPath("journalctl")
	if err != nil {
		return nil, ErrNoJournal
	}
	cmd := exec.CommandContext(ctx, path, "--unit="+unit, "--lines="+strconv.Itoa(MaxLines), "--output=json", "--output-fields=MESSAGE,PRIORITY", "--no-pager", "--quiet", "--all")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &limited{to: &said, left: 4 << 10}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("ask journal: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("ask journal: %w", err)
	}
	const most = 8 << 20 // journalctl writes no more lines than it was told
	b, err := io.ReadAll(io.LimitReader(out, most))
	if err == nil {
		_, err = io.Copy(io.Discard, out)
	}
	if err = errors.Join(err, cmd.Wait()); err != nil {
		return nil, fmt.Errorf("ask journal: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return b, nil
}

// limited passes on so many bytes.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if n := min(len(b), l.left); n > 0 {
		l.left -= n
		if _, err := l.to.Write(b[:n]); err != nil {
			return 0, err //nolint:wrapcheck // a buffer's
		}
	}
	return len(b), nil
}
