package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// rangeFlags are --from, --to and --tz.
type rangeFlags struct {
	from, to, tz string
}

func (f *rangeFlags) addTo(cmd *cobra.Command, what string) {
	const forms = ` (2026-11-23T14:00:00Z, "2026-11-23 14:00", -24h, -7d, now)`
	cmd.Flags().StringVar(&f.from, "from", "", "start of "+what+forms)
	cmd.Flags().StringVar(&f.to, "to", "", "end of "+what+", exclusive")
	cmd.Flags().StringVar(&f.tz, "tz", "UTC", "time zone of times without one, such as Europe/Rome")
}

// parse returns the range; a bound not given is the zero time.
func (f *rangeFlags) parse(now time.Time) (from, to time.Time, err error) {
	loc, err := time.LoadLocation(f.tz)
	if err != nil {
		return from, to, site.Usagef("--tz %q is not a time zone: use a name such as Europe/Rome", f.tz)
	}
	if from, err = parseTime("--from", f.from, now, loc); err != nil {
		return from, to, err
	}
	if to, err = parseTime("--to", f.to, now, loc); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return from, to, site.Usagef("--from %s is not before --to %s", site.RFC3339(from), site.RFC3339(to))
	}
	return from, to, nil
}

func parseTime(flag, text string, now time.Time, loc *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return time.Time{}, nil
	case text == "now":
		return now.UTC(), nil
	case strings.HasPrefix(text, "-"):
		if d, ok := parseDuration(text[1:]); ok {
			return now.Add(-d).UTC(), nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, site.Usagef(`%s %q is not a time: use 2026-11-23T14:00:00Z, "2026-11-23 14:00", -24h, -7d or now`, flag, text)
}

// parseDuration is time.ParseDuration with days.
func parseDuration(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, true
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}
