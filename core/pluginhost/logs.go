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

// logWriter turns what a plugin prints, one line a record, into records of
// the host's logger. JSON as slog writes it keeps its level, message and
// attributes; anything else becomes the message. Lines are cut at maxLine,
// and a plugin that prints without end is thinned out: the lines left out are
// counted, not kept. Writes never fail and may be concurrent.
type logWriter struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	line   []byte
	cut    bool
	tokens float64
	last   time.Time
	missed int
}

func newLogWriter(log *slog.Logger, now func() time.Time) *logWriter {
	return &logWriter{log: log, now: now, tokens: linesBurst, last: now()}
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		chunk := p
		if end >= 0 {
			chunk = p[:end]
		}
		room := maxLine - len(w.line)
		w.cut = w.cut || len(chunk) > room
		w.line = append(w.line, chunk[:min(room, len(chunk))]...)
		if end < 0 {
			break
		}
		w.emit()
		p = p[end+1:]
	}
	return n, nil
}

// emit logs the line at hand and starts the next.
func (w *logWriter) emit() {
	line, cut := w.line, w.cut
	w.line, w.cut = w.line[:0], false
	if len(bytes.TrimSpace(line)) == 0 || !w.allowed() {
		return
	}
	level, msg, attrs := decodeLine(line, cut)
	if w.missed > 0 {
		attrs = append(attrs, slog.Int("lines_left_out_before", w.missed))
		w.missed = 0
	}
	w.log.LogAttrs(context.Background(), level, msg, attrs...)
}

func (w *logWriter) allowed() bool {
	now := w.now()
	w.tokens = min(linesBurst, w.tokens+now.Sub(w.last).Seconds()*linesPerSec)
	w.last = now
	if w.tokens < 1 {
		w.missed++
		return false
	}
	w.tokens--
	return true
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
