package logpull_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/source/sourcetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	quiet := start.Add(-time.Hour)
	sourcetest.Run(t, sourcetest.Harness{
		Zone: zoneA, Dataset: "http_requests",
		Full:        sourcetest.Window{Start: start, End: start.Add(time.Minute)},
		Empty:       sourcetest.Window{Start: quiet, End: quiet.Add(time.Minute)},
		Gone:        sourcetest.Window{Start: start.Add(-170 * time.Hour), End: start.Add(-169 * time.Hour)},
		UnknownZone: strings.Repeat("0", 32),
		Offline:     offline(t),
		Secrets:     []string{token, "wide-token-000001"},
	}, func(t *testing.T) source.Source {
		m := emulate(t)
		m.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.FaultEmpty})
		s := m.source(t, func(c *logpull.Config) { c.Token = "wide-token-000001" })
		if _, _, err := read(context.Background(), s, window(quiet, time.Minute)); err != nil { // empty from now on
			t.Fatal(err)
		}
		return s
	})
}

// offline is a source whose service does not answer.
func offline(t *testing.T) source.Source {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // nobody listens there now
	s, err := logpull.New(logpull.Config{
		Token: token, BaseURL: "http://" + l.Addr().String(),
		ZonePerMinute: 1e6, UserPerMinute: 1e6, UserPerFiveMinutes: 1e6, ZoneTimeoutsPerHour: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryByte compares a pull with what the service holds, all fields.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	m := emulate(t)
	b, st, err := read(t.Context(), m.source(t), window(start, 10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if st.Encoding != source.Gzip || st.Timestamps != source.UnixNano || len(st.Fields) != 123 {
		t.Errorf("stream is %s, %s, %d fields", st.Encoding, st.Timestamps, len(st.Fields))
	}
	if st.Fields[0] != "EdgeStartTimestamp" || st.Fields[1] != "EdgeResponseStatus" || !slices.IsSorted(st.Fields[2:]) {
		t.Errorf("fields are asked for as %q", st.Fields)
	}
	var want bytes.Buffer
	n, err := m.e.WriteWindow(&want, zoneA, start, start.Add(10*time.Minute), logpulltest.Projection{Fields: st.Fields})
	if err != nil || n < 1000 {
		t.Fatalf("%d lines, %v", n, err)
	}
	if !slices.Equal(sorted(unzip(t, b)), sorted(want.String())) {
		t.Errorf("%d bytes pulled are not the %d that the service holds", len(unzip(t, b)), want.Len())
	}
}

func sorted(text string) []string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return lines
}

// TestFaults has each fault of the emulator over real connections, and a pull
// after it that is well again.
func TestFaults(t *testing.T) {
	t.Parallel()
	reasons := map[logpulltest.FaultKind]string{
		logpulltest.FaultTooManySeconds: source.ReasonRate, logpulltest.FaultTooManyDate: source.ReasonRate,
		logpulltest.Fault408: source.ReasonTimeout,
	}
	for kind, want := range map[logpulltest.FaultKind]source.Class{
		logpulltest.FaultTooManySeconds: source.ClassRetry,
		logpulltest.FaultTooManyDate:    source.ClassRetry,
		logpulltest.Fault500:            source.ClassRetry,
		logpulltest.Fault502:            source.ClassRetry,
		logpulltest.Fault503:            source.ClassRetry,
		logpulltest.Fault408:            source.ClassSplit,
		logpulltest.FaultV4Error:        source.ClassRetry,
		logpulltest.FaultCut:            source.ClassSplit,
		logpulltest.FaultSlow:           "",
		logpulltest.FaultUnordered:      "",
		logpulltest.FaultLongLines:      "",
		logpulltest.FaultEmpty:          "",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			m := emulate(t)
			m.e.Queue(zoneA, logpulltest.Fault{Kind: kind, Lines: 50})
			s := m.source(t)
			_, _, err := read(t.Context(), s, window(start, time.Minute))
			if want == "" {
				if err != nil {
					t.Fatal(err)
				}
			} else if e := classed(t, err); e.Class != want || e.Reason != reasons[kind] {
				t.Fatalf("class %s, reason %q: %v", e.Class, e.Reason, err)
			}
			b, st, err := read(t.Context(), s, window(start, time.Minute))
			if err != nil {
				t.Fatalf("the pull after it: %v", err)
			}
			var truth bytes.Buffer
			if _, err := m.e.WriteWindow(&truth, zoneA, start, start.Add(time.Minute), logpulltest.Projection{Fields: st.Fields}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(sorted(unzip(t, b)), sorted(truth.String())) {
				t.Error("the pull after it has other records than the service")
			}
		})
	}
}

// TestFailuresForTheHost are those that only show in the decompressed text.
func TestFailuresForTheHost(t *testing.T) {
	t.Parallel()
	m := emulate(t)
	s := m.source(t)
	m.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.FaultStreamError, Lines: 3})
	b, st, err := read(t.Context(), s, window(start, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(unzip(t, b)), "\n")
	if len(lines) != 4 || !slices.Contains(st.FailureLines, lines[3]) {
		t.Errorf("%d lines, the last one %.60q; failure lines %q", len(lines), lines[len(lines)-1], st.FailureLines)
	}
	m.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.FaultStreamError, Lines: 1}, logpulltest.Fault{Kind: logpulltest.FaultTruncatedGzip, Lines: 90})
	if _, _, err = read(t.Context(), s, window(start, time.Minute)); err != nil {
		t.Fatal(err)
	}
	b, _, err = read(t.Context(), s, window(start, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if z, err := io.ReadAll(gunzip(t, b)); !errors.Is(err, io.ErrUnexpectedEOF) || len(z) == 0 {
		t.Errorf("truncated gzip unpacks to %d bytes, %v", len(z), err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	d, err := open(t, constant(500, "")).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := source.Description{
		Datasets: []source.Dataset{{Name: "http_requests", TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}},
		Limits: source.Limits{MaxWindow: time.Hour, MinLag: time.Minute, MaxAge: 168 * time.Hour, Rates: []source.Rate{
			{Scope: source.PerZone, Limit: 15, Per: time.Minute},
			{Scope: source.PerCredential, Limit: 180, Per: time.Minute},
			{Scope: source.PerCredential, Limit: 1200, Per: 5 * time.Minute},
			{Scope: source.TimeoutsPerZone, Limit: 11, Per: time.Hour},
		}},
		Fields: []string{"RayID"},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}
