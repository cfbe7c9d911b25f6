package investigate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// preset is a range that ends with the last record.
type preset struct {
	name string
	long time.Duration // 0: all
}

var presets = [...]preset{
	{"15m", 15 * time.Minute}, {"1h", time.Hour}, {"6h", 6 * time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"all", 0},
}

// shortest is the shortest range that is zoomed to.
const shortest = 10 * time.Millisecond

// errRange: a text is no range.
var errRange = errors.New("want 15m, FROM to TO, FROM +1h or FROM; a time is 2026-03-14T15:09:26Z, 2026-03-14 15:09, 15:09 or -2h (before the last record)")

// clock is what times are typed against.
type clock struct {
	last time.Time // the last record's
	day  time.Time // what a time without a day is of
	zone *time.Location
}

// parseRange reads a range as it is typed.
func parseRange(text string, c clock) (from, to time.Time, err error) {
	text = strings.TrimSpace(text)
	if long, ok := duration(text); ok {
		return c.last.Add(-long), c.last, nil
	}
	a, b := text, "now"
	for _, sep := range []string{" to ", "..", "→", " - ", "/"} {
		if before, after, ok := strings.Cut(text, sep); ok {
			a, b = strings.TrimSpace(before), strings.TrimSpace(after)
			break
		}
	}
	if before, long, ok := strings.Cut(text, " +"); ok && b == "now" {
		a, b = strings.TrimSpace(before), "+"+strings.TrimSpace(long)
	}
	if from, _, err = c.moment(a); err != nil {
		return from, to, err
	}
	if long, ok := duration(strings.TrimPrefix(b, "+")); ok && strings.HasPrefix(b, "+") {
		return from, from.Add(long), nil
	}
	c.day = from
	to, wide, err := c.moment(b)
	if err != nil {
		return from, to, err
	}
	to = to.Add(wide)
	if !from.Before(to) {
		return from, to, fmt.Errorf("it ends %s, before it begins", to.In(c.zone).Format("2006-01-02 15:04:05"))
	}
	return from, to, nil
}

// layouts are how a time is typed; a day or a minute as an end means its end.
var layouts = [...]struct {
	layout string
	wide   time.Duration
	dated  bool
}{
	{time.RFC3339Nano, 0, true}, {"2006-01-02T15:04:05.999999999", 0, true}, {"2006-01-02 15:04:05.999999999", 0, true},
	{"2006-01-02 15:04", 0, true}, {"2006-01-02T15:04", 0, true}, {"2006-01-02", 24 * time.Hour, true}, {"15:04:05.999999999", 0, false}, {"15:04", 0, false},
}

// moment reads a time, and how much longer it goes on if it is an end.
func (c clock) moment(text string) (time.Time, time.Duration, error) {
	switch text {
	case "now", "last", "end":
		return c.last, 0, nil
	}
	if long, ok := duration(strings.TrimPrefix(text, "-")); ok && strings.HasPrefix(text, "-") {
		return c.last.Add(-long), 0, nil
	}
	for _, l := range layouts {
		t, err := time.ParseInLocation(l.layout, text, c.zone)
		if err != nil {
			continue
		}
		if !l.dated {
			d := c.day.In(c.zone)
			t = time.Date(d.Year(), d.Month(), d.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.zone)
		}
		return t.UTC(), l.wide, nil
	}
	return time.Time{}, 0, errRange
}

// duration reads 90s, 15m, 1h30m, 7d or 2w.
func duration(text string) (time.Duration, bool) {
	if n, unit := len(text)-1, map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}; n > 0 && unit[text[n]] > 0 {
		many, err := strconv.ParseUint(text[:n], 10, 16)
		return time.Duration(many) * unit[text[n]], err == nil && many > 0 && many < 36500
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && text[0] != '+'
}

// span is a range's length in few words: 24h, 15m, 1h30m, 2.5s.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Minute:
		if d >= time.Hour {
			d = d.Round(time.Minute)
		}
		text := d.Round(time.Second).String()
		if m, ok := strings.CutSuffix(text, "m0s"); ok {
			text = m + "m"
		}
		if h, ok := strings.CutSuffix(text, "h0m"); ok {
			text = h + "h"
		}
		return text
	case d >= time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.String()
}
