package daemonlog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse reads a line as the collector writes it, JSON or text, or takes it as it is.
func parse(line []byte) Line {
	if len(line) > maxLine {
		line = line[:maxLine]
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) == nil && members["msg"] != nil {
		return ofMembers(members)
	}
	return ofText(string(line))
}

// ofMembers takes the message first, then the attributes by name.
func ofMembers(members map[string]json.RawMessage) Line {
	l := Line{Level: text(members["level"]), Text: text(members["msg"])}
	l.At, _ = time.Parse(time.RFC3339Nano, text(members["time"]))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name != "time" && name != "level" && name != "msg" {
			l.Text += "  " + name + "=" + text(members[name])
		}
	}
	return l
}

// text is a string's value, or JSON as it is.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// ofText reads slog's text: time=… level=… msg=… and attributes.
func ofText(line string) Line {
	l := Line{Text: line}
	at, rest, ok := strings.Cut(line, " level=")
	at, timed := strings.CutPrefix(at, "time=")
	if !ok || !timed {
		return l
	}
	when, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return l
	}
	l.At = when
	l.Level, l.Text, _ = strings.Cut(rest, " ")
	msg, isMsg := strings.CutPrefix(l.Text, "msg=")
	if !isMsg {
		return l
	}
	l.Text = msg
	if quoted, err := strconv.QuotedPrefix(msg); err == nil {
		if plain, err := strconv.Unquote(quoted); err == nil {
			l.Text = plain + " " + msg[len(quoted):]
		}
	}
	return l
}

// priorities are the journal's, of what says no level itself.
var priorities = [8]string{"ERROR", "ERROR", "ERROR", "ERROR", "WARN", "INFO", "INFO", "DEBUG"}

// parseJournal reads an entry of journalctl's JSON, in which the message is a string, or its bytes if it is no UTF-8.
func parseJournal(line []byte) Line {
	var e struct {
		At       string          `json:"__REALTIME_TIMESTAMP"`
		Priority string          `json:"PRIORITY"`
		Message  json.RawMessage `json:"MESSAGE"`
	}
	if json.Unmarshal(line, &e) != nil {
		return parse(line)
	}
	var message string
	var raw []int
	switch {
	case json.Unmarshal(e.Message, &message) == nil:
	case json.Unmarshal(e.Message, &raw) == nil:
		for _, b := range raw {
			message += string([]byte{byte(b)})
		}
	default:
		message = fmt.Sprintf("a message of %d bytes", len(e.Message))
	}
	l := parse([]byte(message))
	if l.At.IsZero() {
		if µs, err := strconv.ParseInt(e.At, 10, 64); err == nil {
			l.At = time.UnixMicro(µs).UTC()
		}
	}
	if n, err := strconv.Atoi(e.Priority); l.Level == "" && err == nil && n >= 0 && n < len(priorities) {
		l.Level = priorities[n]
	}
	return l
}
