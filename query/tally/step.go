package tally

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Step is the length of a histogram's buckets. They begin at whole ones of a
// time zone's clock and calendar, weeks on Monday.
type Step string

// Auto is the finest step that makes at most autoBuckets.
const Auto Step = "auto"

// MaxBuckets bounds a histogram.
const MaxBuckets = 100_000

const autoBuckets = 62

const day = 24 * time.Hour

// steps are all but Auto, from fine to coarse.
var steps = []struct {
	name   Step
	length time.Duration // about
}{
	{"minute", time.Minute}, {"5m", 5 * time.Minute}, {"15m", 15 * time.Minute}, {"hour", time.Hour}, {"6h", 6 * time.Hour},
	{"day", day}, {"week", 7 * day}, {"month", 30 * day}, {"year", 365 * day},
}

// ErrBuckets: a histogram would have more than MaxBuckets.
var ErrBuckets = errors.New("the step is too fine for the range")

// ParseStep reads a step's name.
func ParseStep(name string) (Step, error) {
	names := []string{string(Auto)}
	for _, s := range steps {
		if string(s.name) == name {
			return s.name, nil
		}
		names = append(names, string(s.name))
	}
	if name == string(Auto) {
		return Auto, nil
	}
	return "", fmt.Errorf("step %.40q is none of %s", name, strings.Join(names, ", "))
}

// fit is the step itself, or for Auto one that suits the range.
func (s Step) fit(from, to time.Time) Step {
	if s != Auto {
		return s
	}
	for _, s := range steps {
		// In seconds: a time.Duration ends after 292 years.
		if (to.Unix()-from.Unix())/int64(s.length/time.Second) < autoBuckets {
			return s.name
		}
	}
	return steps[len(steps)-1].name
}

func (s Step) length() time.Duration {
	for _, known := range steps {
		if known.name == s {
			return known.length
		}
	}
	return time.Hour
}

// edges part [from, to) at the step's edges; the first and the last are the range's own.
func (s Step) edges(from, to time.Time, loc *time.Location) ([]time.Time, error) {
	if (to.Unix()-from.Unix())/int64(s.length()/time.Second) > MaxBuckets {
		return nil, fmt.Errorf("%w: more than %d buckets of a %s", ErrBuckets, MaxBuckets, s)
	}
	edges := []time.Time{from}
	for at := s.next(s.floor(from.In(loc))); at.Before(to); at = s.next(at) {
		if at.After(from) {
			edges = append(edges, at)
		}
	}
	return append(edges, to), nil
}

// floor is the last edge at or before t.
func (s Step) floor(t time.Time) time.Time {
	year, month, dayOf := t.Date()
	hour, minute := t.Hour(), t.Minute()
	switch s {
	case "minute":
	case "5m":
		minute -= minute % 5
	case "15m":
		minute -= minute % 15
	case "hour":
		minute = 0
	case "6h":
		hour, minute = hour-hour%6, 0
	case "week":
		hour, minute, dayOf = 0, 0, dayOf-(int(t.Weekday())+6)%7
	case "month":
		hour, minute, dayOf = 0, 0, 1
	case "year":
		hour, minute, dayOf, month = 0, 0, 1, time.January
	default:
		hour, minute = 0, 0
	}
	return time.Date(year, month, dayOf, hour, minute, 0, 0, t.Location())
}

// next is the edge behind an edge. Up to an hour steps are of the clock, which
// goes on where a time zone turns it; longer ones are of the calendar.
func (s Step) next(t time.Time) time.Time {
	length := s.length()
	var next time.Time
	switch s {
	case "month":
		next = t.AddDate(0, 1, 0)
	case "year":
		next = t.AddDate(1, 0, 0)
	case "6h":
		next = time.Date(t.Year(), t.Month(), t.Day(), t.Hour()-t.Hour()%6+6, 0, 0, 0, t.Location())
	case "day", "week":
		next = t.AddDate(0, 0, int(length/day))
	}
	if !next.After(t) {
		next = t.Add(length)
	}
	return next
}
