package investigate

import (
	"testing"
	"time"
)

func TestParseRange(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 3, 14, 15, 9, 27, 0, time.UTC)
	c := clock{last: last, day: last.Add(-time.Second), zone: time.UTC}
	for text, want := range map[string][2]string{
		"15m":                               {"2026-03-14T14:54:27Z", "2026-03-14T15:09:27Z"},
		"7d":                                {"2026-03-07T15:09:27Z", "2026-03-14T15:09:27Z"},
		"1h30m":                             {"2026-03-14T13:39:27Z", "2026-03-14T15:09:27Z"},
		"-2h to -1h":                        {"2026-03-14T13:09:27Z", "2026-03-14T14:09:27Z"},
		"-2h":                               {"2026-03-14T13:09:27Z", "2026-03-14T15:09:27Z"},
		"10:00 to 11:30":                    {"2026-03-14T10:00:00Z", "2026-03-14T11:30:00Z"},
		"10:00..11:30:15.5":                 {"2026-03-14T10:00:00Z", "2026-03-14T11:30:15.5Z"},
		"2026-03-10":                        {"2026-03-10T00:00:00Z", "2026-03-14T15:09:27Z"},
		"2026-03-10 to 2026-03-11":          {"2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z"},
		"2026-03-10 08:00 to 09:00":         {"2026-03-10T08:00:00Z", "2026-03-10T09:00:00Z"},
		"2026-03-10 08:00 +90m":             {"2026-03-10T08:00:00Z", "2026-03-10T09:30:00Z"},
		"2026-03-10T08:00:00+01:00 to now":  {"2026-03-10T07:00:00Z", "2026-03-14T15:09:27Z"},
		"2026-03-10T08:00Z/2026-03-10T09:0": {},
		"2026-03-10T08:00:00Z/2026-03-10T08:00:01Z": {"2026-03-10T08:00:00Z", "2026-03-10T08:00:01Z"},
		"11:00 to 10:00": {}, "": {}, "to": {}, "yesterday": {}, "0d": {}, "-0s": {}, "1e9d": {}, "+1h": {}, "10:00 to": {}, "99999999999d": {}, "10:00 to -": {}, "10:00 +-1h": {},
	} {
		from, to, err := parseRange(text, c)
		if want[0] == "" {
			if err == nil {
				t.Errorf("%q is read as %s to %s", text, from, to)
			}
			continue
		}
		if err != nil || from.UTC().Format(time.RFC3339Nano) != want[0] || to.UTC().Format(time.RFC3339Nano) != want[1] {
			t.Errorf("%q is read as %s to %s, %v", text, from, to, err)
		}
	}
	rome := clock{last: last, day: last, zone: time.FixedZone("CET", 3600)}
	if from, _, err := parseRange("10:00 to 11:00", rome); err != nil || from.UTC().Hour() != 9 {
		t.Errorf("a local time is %s, %v", from, err)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 7 * 24 * time.Hour: "7d", 75 * time.Hour: "3d3h", 15 * time.Minute: "15m", 90 * time.Minute: "1h30m", 20*time.Minute + 30*time.Second: "20m30s",
		10 * time.Second: "10s", 2500 * time.Millisecond: "2.5s", 40 * time.Millisecond: "40ms", time.Hour: "1h", 0: "0s", 23*time.Hour + time.Second: "23h",
	} {
		if got := span(d); got != want {
			t.Errorf("%d is %s, want %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-90 * time.Second: "-1m30s", 25 * time.Hour: "+1d 1h0m0s", 1200 * time.Microsecond: "+1ms"} {
		if got := elapsed(d); got != want {
			t.Errorf("%d is %s, want %s", d, got, want)
		}
	}
}
