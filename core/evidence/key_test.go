package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const zone = "0123456789abcdef0123456789abcdef"

func TestObjectKeyRoundTrip(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 13, 5, 0, 0, time.UTC)
	w, err := evidence.NewWindow(start, start.Add(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	id := evidence.ChainID{Zone: zone, Dataset: "http_requests"}
	for generation, want := range map[int]string{
		1: "logs/" + zone + "/2026/11/23/13/http_requests-20261123T130500Z-20261123T131000Z.ndjson.zst",
		2: "logs/" + zone + "/2026/11/23/13/http_requests-20261123T130500Z-20261123T131000Z-g2.ndjson.zst",
	} {
		key := evidence.ObjectKey(id, w, generation)
		if key != want {
			t.Errorf("key is %s, want %s", key, want)
		}
		if !storage.ValidKey(key) {
			t.Errorf("%s is not a valid storage key", key)
		}
		gotID, gotWindow, gotGeneration, err := evidence.ParseObjectKey(key)
		if err != nil || gotID != id || gotWindow != w || gotGeneration != generation {
			t.Errorf("%s parses as %v %v %d, %v", key, gotID, gotWindow, gotGeneration, err)
		}
	}
}

func TestParseObjectKeyRefuses(t *testing.T) {
	t.Parallel()
	good := "logs/" + zone + "/2026/11/23/13/http_requests-20261123T130500Z-20261123T131000Z.ndjson.zst"
	for _, bad := range []string{
		"", good + "x", strings.Replace(good, "/13/", "/12/", 1), strings.Replace(good, "131000Z", "130500Z", 1),
		strings.Replace(good, zone, strings.ToUpper(zone), 1), strings.Replace(good, ".ndjson", "-g1.ndjson", 1),
		strings.Replace(good, ".ndjson", "-g02.ndjson", 1), "../" + good, strings.Replace(good, "20261123T13", "20261323T13", 1),
	} {
		if _, _, _, err := evidence.ParseObjectKey(bad); err == nil {
			t.Errorf("%q is taken for an object key", bad)
		}
	}
}

func TestWindowRefuses(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	for _, w := range [][2]time.Time{{at, at}, {at, at.Add(-time.Second)}, {at, at.Add(time.Millisecond)}, {at.AddDate(-100, 0, 0), at}} {
		if _, err := evidence.NewWindow(w[0], w[1]); err == nil {
			t.Errorf("window %v is taken", w)
		}
	}
}

func TestRetainUntil(t *testing.T) {
	t.Parallel()
	written := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const chain = "chain/00000000000000000000000000000001/http_requests/"
	const object = "logs/00000000000000000000000000000001/2026/11/22/10/http_requests-20261122T100000Z-20261122T110000Z.ndjson.zst"
	for _, tc := range []struct {
		key    string
		retain time.Duration
		want   time.Duration // from written; 0: no lock
	}{
		{object, 24 * time.Hour, 23 * time.Hour},
		{object, 0, 0},
		{object, time.Hour, 0},               // over
		{object, time.Hour + time.Second, 0}, // before it is written
		{chain + "tile/0/000", time.Hour, time.Hour},
		{chain + "tile/0/000.p/7", time.Hour, 0},
		{chain + "checkpoints/5", time.Hour, time.Hour},
		{chain + "checkpoint", time.Hour, 0},
		{evidence.DescriptorKey, time.Hour, 0},
		{"elsewhere", time.Hour, 0},
	} {
		var want time.Time
		if tc.want > 0 {
			want = written.Add(tc.want)
		}
		if until := evidence.RetainUntil(tc.key, written, tc.retain); !until.Equal(want) {
			t.Errorf("%s, %s: %s, want %s", tc.key, tc.retain, until, want)
		}
	}
}
