package sourcetest

import (
	"io"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// refused returns the error of a pull that must fail, at once or while it is
// read.
func refused(t conformance.T, s source.Source, req source.Request) error {
	t.Helper()
	st, err := s.Pull(contextFor(t), req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, st.Body)
	_ = st.Body.Close() // the read's error counts
	return err
}

func testInvalidWindows(t conformance.T, f fixture) {
	a, b := f.Full.Start, f.Full.End
	windows := map[string]Window{
		"empty window":          {a, a},
		"window backwards":      {b, a},
		"window of no time":     {},
		"start in mid-second":   {a.Add(time.Millisecond), b},
		"end in mid-second":     {a, b.Add(-time.Nanosecond)},
		"window without start":  {time.Time{}, b},
		"window without an end": {a, time.Time{}},
	}
	if most := f.describe(t, f.s).Limits.MaxWindow; most > 0 {
		windows["window wider than the limit"] = Window{b.Add(-most - time.Second), b}
	}
	for name, w := range windows {
		f.wantError(t, name, refused(t, f.s, f.request(w)), source.ClassBug)
	}
}

func testInvalidRequests(t conformance.T, f fixture) {
	for name, change := range map[string]func(*source.Request){
		"no dataset":      func(r *source.Request) { r.Dataset = "" },
		"unknown dataset": func(r *source.Request) { r.Dataset = "no_such_dataset" },
		"no zone":         func(r *source.Request) { r.Zone = "" },
		"zone with path":  func(r *source.Request) { r.Zone = "../" + r.Zone + "?x=1&" },
		"unknown field":   func(r *source.Request) { r.Fields = []string{"NoSuchField"} },
		"field that is a list": func(r *source.Request) {
			r.Fields = []string{"RayID,ClientIP&sample=0.1"}
		},
	} {
		req := f.request(f.Full)
		change(&req)
		f.wantError(t, name, refused(t, f.s, req), source.ClassBug, source.ClassBlocked)
	}
}

// testUnknownZone: tried again for ever, a mistyped zone would look like a
// quiet one.
func testUnknownZone(t conformance.T, f fixture) {
	if f.UnknownZone == "" {
		t.Skip("the harness has no unknown zone")
	}
	req := f.request(f.Full)
	req.Zone = f.UnknownZone
	f.wantError(t, "unknown zone", refused(t, f.s, req), source.ClassBlocked, source.ClassBug)
}

func testGone(t conformance.T, f fixture) {
	if f.Gone.Start.IsZero() {
		t.Skip("the harness has no window that is gone")
	}
	f.wantError(t, "gone window", refused(t, f.s, f.request(f.Gone)), source.ClassGone)
}

func testOfflinePull(t conformance.T, f fixture) {
	if f.Offline == nil {
		t.Skip("the harness has no source without a producer")
	}
	f.wantError(t, "offline pull", refused(t, f.Offline, f.request(f.Full)), source.ClassRetry)
	_, err := f.Offline.Probe(contextFor(t), f.Zone)
	f.wantError(t, "offline probe", err, source.ClassRetry)
}
