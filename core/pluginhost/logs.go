package pluginhost

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds on a plugin's log.
const (
	maxLine     = 8 << 10
	maxAttrs    = 32
	linesBurst  = 500
	linesPerSec = 50
)

// pluginLog turns what a plugin prints, one line a record, into records of
// the host's logger. JSON as slog writes it keeps its level, message and
// attributes; anything else becomes the message. A plugin that prints without
// end is thinned out: the lines left out are counted, not kept.
type pluginLog struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	tokens float64
	last   time.Time
	missed int
}

func newPluginLog(log *slog.Logger, now func() time.Time) *pluginLog {
	return &pluginLog{log: log, now: now, tokens: linesBurst, last: now()}
}

// stream returns a writer for one of the plugin's outputs. Each has its own,
// for a line may come in pieces.
func (l *pluginLog) stream() *lineWriter { return &lineWriter{log: l} }

func (l *pluginLog) emit(line []byte, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(bytes.TrimSpace(line)) == 0 || !l.allowed() {
		return
	}
	level, msg, attrs := decodeLine(line, cut)
	if l.missed > 0 {
		attrs = append(attrs, slog.Int("lines_left_out_before", l.missed))
		l.missed = 0
	}
	l.log.LogAttrs(context.Background(), level, msg, attrs...)
}

func (l *pluginLog) allowed() bool {
	now := l.now()
	l.tokens = min(linesBurst, l.tokens+now.Sub(l.last).Seconds()*linesPerSec)
	l.last = now
	if l.tokens < 1 {
		l.missed++
		return false
	}
	l.tokens--
	return true
}

// lineWriter cuts a stream into lines of at most maxLine bytes. Its writes
// never fail.
type lineWriter struct {
	log *pluginLog

	mu   sync.Mutex
	line []byte
	cut  bool
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		chunk, rest, ended := bytes.Cut(p, []byte{'\n'})
		room := maxLine - len(w.line)
		w.cut = w.cut || len(chunk) > room
		w.line = append(w.line, chunk[:min(room, len(chunk))]...)
		if !ended {
			break
		}
		w.log.emit(w.line, w.cut)
		w.line, w.cut = w.line[:0], false
		p = rest
	}
	return n, nil
}

// decodeLine reads a line of slog's JSON handler, or takes it as text.
func decodeLine(line []byte, cut bool) (slog.Level, string, []slog.Attr) {
	var record map[string]any
	if !cut && line[0] == '{' && json.Unmarshal(line, &record) == nil {
		if msg, ok := record[slog.MessageKey].(string); ok {
			var level slog.Level
			text, _ := record[slog.LevelKey].(string)
			if level.UnmarshalText([]byte(text)) != nil {
				level = slog.LevelInfo
			}
			return level, printable(msg), attributes(record)
		}
	}
	var attrs []slog.Attr
	if cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	return slog.LevelInfo, printable(string(line)), attrs
}

func attributes(record map[string]any) []slog.Attr {
	names := make([]string, 0, len(record))
	for name := range record {
		switch name {
		case slog.MessageKey, slog.LevelKey, slog.TimeKey:
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	attrs := make([]slog.Attr, 0, min(len(names), maxAttrs))
	for _, name := range names[:min(len(names), maxAttrs)] {
		text, ok := record[name].(string)
		if !ok {
			encoded, err := json.Marshal(record[name])
			if err != nil {
				continue // it came from JSON: cannot happen
			}
			text = string(encoded)
		}
		attrs = append(attrs, slog.String(printable(name), printable(text)))
	}
	return attrs
}

// printable cuts a text and replaces what is not valid UTF-8.
func printable(s string) string {
	if len(s) > maxLine {
		s = s[:maxLine]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
