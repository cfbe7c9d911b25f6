package sourcetest

import (
	"reflect"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

func (f fixture) describe(t conformance.T, s source.Source) source.Description {
	t.Helper()
	d, err := s.Describe(contextFor(t))
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	return d
}

func testDescribe(t conformance.T, f fixture) {
	d := f.describe(t, f.s)
	seen := map[string]bool{}
	for _, ds := range d.Datasets {
		if ds.Name == "" || ds.TimeField == "" {
			t.Errorf("dataset %+v has no name or no time field", ds)
		}
		if seen[ds.Name] {
			t.Errorf("dataset %s is there twice", ds.Name)
		}
		seen[ds.Name] = true
	}
	if !seen[f.Dataset] {
		t.Errorf("dataset %q is not described", f.Dataset)
	}
	if l := d.Limits; l.MaxWindow < 0 || l.MinLag < 0 || l.MaxAge < 0 {
		t.Errorf("negative limits: %+v", l)
	}
	for _, r := range d.Limits.Rates {
		if r.Limit < 1 || r.Per <= 0 {
			t.Errorf("rate %+v admits nothing", r)
		}
	}
	if again := f.describe(t, f.s); !reflect.DeepEqual(d, again) {
		t.Errorf("described as %+v, then as %+v", d, again)
	}
}

func testDescribeOffline(t conformance.T, f fixture) {
	if f.Offline == nil {
		t.Skip("the harness has no source without a producer")
	}
	if d, online := f.describe(t, f.Offline), f.describe(t, f.s); !reflect.DeepEqual(d, online) {
		t.Errorf("described as %+v offline, as %+v online", d, online)
	}
}

func testProbe(t conformance.T, f fixture) {
	r, err := f.s.Probe(contextFor(t), f.Zone)
	if err != nil {
		t.Fatalf("probe: %v", err)
	}
	if !r.OK() || len(r.Checks) == 0 {
		t.Errorf("a zone that can be pulled is reported as %+v", r)
	}
	f.wantSoundReport(t, r)
	if !slices.IsSorted(r.Fields) {
		t.Errorf("fields are not sorted: %q", r.Fields)
	}
}

func testProbeUnknown(t conformance.T, f fixture) {
	if f.UnknownZone == "" {
		t.Skip("the harness has no unknown zone")
	}
	r, err := f.s.Probe(contextFor(t), f.UnknownZone)
	if err != nil {
		f.wantError(t, "probe", err, source.ClassBlocked, source.ClassBug)
		return
	}
	if r.OK() {
		t.Errorf("an unknown zone is reported as fine: %+v", r)
	}
	f.wantSoundReport(t, r)
}

func (f fixture) wantSoundReport(t conformance.T, r source.Report) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range r.Checks {
		if c.Name == "" || seen[c.Name] {
			t.Errorf("check %+v has no name of its own", c)
		}
		seen[c.Name] = true
		switch c.Status {
		case source.OK:
			if c.Remedy != "" {
				t.Errorf("check %s is well and has a remedy: %q", c.Name, c.Remedy)
			}
		case source.Warn, source.Fail, source.Unknown:
			if c.Detail == "" {
				t.Errorf("check %s does not say what is wrong", c.Name)
			}
		default:
			t.Errorf("check %s has the status %q", c.Name, c.Status)
		}
		if _, err := time.ParseDuration(c.Value); c.Name == "clock" && (c.Status == source.Fail || c.Value != "" && err != nil) {
			t.Errorf("clock %s with the value %q: want no failure, and a duration", c.Status, c.Value)
		}
		f.wantNoSecret(t, "check "+c.Name, c.Value+c.Detail+c.Remedy)
	}
}
