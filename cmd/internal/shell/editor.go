package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/peterh/liner"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// Editor reads lines from the process's terminal, with history and completion.
type Editor struct {
	state   *liner.State
	history string // file, "" for none
	last    string
}

var _ Lines = (*Editor)(nil)

// NewEditor takes the terminal, until Close. history is a file of statements,
// one a line, "" for none: a statement may name what must not lie around, so its mode is 0600.
func NewEditor(history string, words *Words) (*Editor, error) {
	e := &Editor{history: history}
	past, err := loadHistory(history)
	if err != nil {
		return nil, err
	}
	e.state = liner.NewLiner()
	e.state.SetCtrlCAborts(true)
	e.state.SetMultiLineMode(true)
	e.state.SetTabCompletionStyle(liner.TabPrints)
	e.state.SetBeep(false)
	e.state.SetWordCompleter(words.Complete)
	for _, line := range past {
		e.state.AppendHistory(line)
		e.last = line
	}
	return e, nil
}

// Close gives the terminal back as it was.
func (e *Editor) Close() error {
	if err := e.state.Close(); err != nil {
		return fmt.Errorf("restore terminal: %w", err)
	}
	return nil
}

// Prompt reads one line. See Lines.
func (e *Editor) Prompt(prompt string) (string, error) {
	line, err := e.state.Prompt(prompt)
	switch {
	case errors.Is(err, liner.ErrPromptAborted):
		return "", ErrAborted
	case errors.Is(err, io.EOF):
		return "", io.EOF
	case err != nil:
		return "", fmt.Errorf("edit line: %w", err)
	}
	return line, nil
}

// Remember adds a line to the history, and to its file at once: several
// sessions add to one.
func (e *Editor) Remember(line string) {
	if line == "" || line == e.last || len(line) > maxRemembered {
		return
	}
	e.last = line
	e.state.AppendHistory(line)
	if e.history == "" {
		return
	}
	if err := appendHistory(e.history, line); err != nil {
		e.history = "" // said once; the session goes on without
		_, _ = fmt.Fprintf(os.Stderr, "history is not kept: %s\n", site.SafeLine(err.Error()))
	}
}

const (
	maxRemembered = 16 << 10 // bytes of a line
	maxHistory    = 1000     // lines; the file is cut when it has twice as many
)

// LoadHistory reads the last lines of a history, the oldest first, and cuts a
// file that has become long. One that is not there is made.
func LoadHistory(path string) ([]string, error) { return loadHistory(path) }

// AppendHistory adds a line to a history, unless it is longer than is kept.
func AppendHistory(path, line string) error {
	if len(line) > maxRemembered {
		return nil
	}
	return appendHistory(path, line)
}

// loadHistory reads the last lines of a history, and cuts a long file.
func loadHistory(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make folder of the history: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	defer f.Close()                        //nolint:errcheck // only read
	if err := f.Chmod(0o600); err != nil { // it may have been made by hand
		return nil, fmt.Errorf("protect history: %w", err)
	}
	var lines []string
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, maxRemembered+2)
	for scan.Scan() {
		if line := scan.Text(); line != "" && utf8.ValidString(line) && site.SafeLine(line) == line {
			lines = append(lines, line)
		}
	}
	if err := scan.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) { // what is behind is not ours
		return nil, fmt.Errorf("read history: %w", err)
	}
	if len(lines) <= maxHistory {
		return lines, nil
	}
	cut := len(lines) > 2*maxHistory
	lines = lines[len(lines)-maxHistory:]
	if cut {
		return lines, rewriteHistory(path, lines)
	}
	return lines, nil
}

func rewriteHistory(path string, lines []string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".history-") // 0600
	if err != nil {
		return fmt.Errorf("cut history: %w", err)
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cut history: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

func appendHistory(path, line string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	_, err = f.WriteString(line + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("add to history: %w", err)
	}
	return nil
}
