package evidence_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gowebpki/jcs"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func logEntry() *evidence.Entry {
	start := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	first, last := start.Add(-3*time.Minute+100*time.Millisecond), start.Add(59*time.Minute)
	id := evidence.ChainID{Zone: zone, Dataset: "http_requests"}
	w := evidence.Window{Start: start, End: start.Add(time.Hour)}
	return &evidence.Entry{
		V: 1, Archive: "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d", Zone: id.Zone, Dataset: id.Dataset, Seq: 42,
		Kind: evidence.KindLog, SealedAt: start.Add(65 * time.Minute),
		Collector: evidence.Collector{Name: "rainlogs", Version: "1.0.0", Host: "h€st<&>"},
		Window:    &w,
		Object:    &evidence.Object{Key: evidence.ObjectKey(id, w, 1), Bytes: 1234},
		Content: &evidence.Content{
			Bytes: 98765, Lines: 812, FirstEvent: &first, LastEvent: &last,
			Tally: &evidence.Tally{Bucket: 60, From: start, Rows: [][7]int64{{0, 0, 812, 0, 0, 0, 0}}},
		},
		Source: &evidence.Source{Plugin: "logpull", Version: "1", FieldsSeq: 3, Timestamps: "unixnano", RetrievedAt: start},
	}
}

func TestEncodeIsCanonicalAndRoundTrips(t *testing.T) {
	t.Parallel()
	e := logEntry()
	b, err := evidence.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	// An independent implementation of RFC 8785 agrees.
	want, err := jcs.Transform(b)
	if err != nil || !bytes.Equal(want, b) {
		t.Errorf("not canonical (%v):\n%s\n%s", err, b, want)
	}
	got, err := evidence.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, err := evidence.Encode(logEntry())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"space": func(s string) string { return strings.Replace(s, ":", ": ", 1) },
		"order": func(s string) string {
			return `{"zone":"` + zone + `",` + strings.Replace(s[1:], `,"zone":"`+zone+`"`, "", 1)
		},
		"duplicate":      func(s string) string { return strings.Replace(s, `"v":1`, `"v":1,"v":1`, 1) },
		"float":          func(s string) string { return strings.Replace(s, `"seq":42`, `"seq":42.0`, 1) },
		"escape":         func(s string) string { return strings.Replace(s, `rainlogs"`, `r\u0061inlogs"`, 1) },
		"trailing":       func(s string) string { return s + "\n" },
		"bad zone":       func(s string) string { return strings.Replace(s, `"zone":"0`, `"zone":"X`, 1) },
		"foreign object": func(s string) string { return strings.Replace(s, "T130000Z-", "T120000Z-", 1) },
		"later fields":   func(s string) string { return strings.Replace(s, `"fields_seq":3`, `"fields_seq":42`, 1) },
		"digest":         func(s string) string { return strings.Replace(s, `"prev":"0`, `"prev":"A`, 1) },
		"no window":      func(s string) string { return s[:strings.Index(s, `,"window"`)] + s[strings.Index(s, `,"zone"`):] },
	} {
		changed := change(string(good))
		if changed == string(good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := evidence.Decode([]byte(changed)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestDecodeKeepsUnknownMembersAndKinds(t *testing.T) {
	t.Parallel()
	good, err := evidence.Encode(logEntry())
	if err != nil {
		t.Fatal(err)
	}
	b := []byte(strings.Replace(string(good), `"zone":`, `"zebra":{"a":[1,2]},"zone":`, 1))
	if _, err := evidence.Decode(b); err != nil {
		t.Errorf("an unknown member is refused: %v", err)
	}
	b = []byte(strings.Replace(string(good), `"kind":"log"`, `"kind":"weather"`, 1))
	if _, err := evidence.Decode(b); err != nil {
		t.Errorf("an unknown kind is refused: %v", err)
	}
	b = []byte(strings.Replace(string(good), `"v":1`, `"v":2`, 1))
	if _, err := evidence.Decode(b); !errors.Is(err, evidence.ErrNewer) {
		t.Errorf("a newer version: %v, want ErrNewer", err)
	}
}

func TestEncodeRefusesTooLong(t *testing.T) {
	t.Parallel()
	e := logEntry()
	e.Kind, e.Object, e.Content, e.Source, e.Window = evidence.KindObservation, nil, nil, nil, nil
	value, err := json.Marshal(strings.Repeat("x", evidence.MaxEntry))
	if err != nil {
		t.Fatal(err)
	}
	e.Observation = &evidence.Observation{Topic: "t", Value: value}
	if _, err := evidence.Encode(e); !errors.Is(err, evidence.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestStores(t *testing.T) {
	t.Parallel()
	plain, err := evidence.Encode(logEntry())
	if err != nil || bytes.Contains(plain, []byte("stores")) {
		t.Fatalf("an entry of a single store names some: %v\n%s", err, plain)
	}
	for want, names := range map[bool][][]string{
		true: {{"local"}, {"s3-2", "0"}, {"a", "b", "c", "d", "e", "f", "g", "h"}, {strings.Repeat("a", 32)}},
		false: {
			{}, {""}, {"-a"}, {"A"}, {"a.b"}, {"https://host"}, {"ä"}, {strings.Repeat("a", 33)}, {"a", "a"},
			{"a", "b", "c", "d", "e", "f", "g", "h", "i"},
		},
	} {
		for _, stores := range names {
			e := logEntry()
			e.Object.Stores = stores
			b, err := evidence.Encode(e)
			if (err == nil) != want {
				t.Errorf("encode with stores %q: %v", stores, err)
			}
			if err != nil {
				list, _ := json.Marshal(stores)
				b = bytes.Replace(plain, []byte(`"object":{`), []byte(`"object":{"stores":`+string(list)+`,`), 1)
				if canonical, err := jcs.Transform(b); err == nil {
					b = canonical
				}
			}
			d, err := evidence.Decode(b)
			if (err == nil) != want {
				t.Errorf("decode with stores %q: %v", stores, err)
			}
			if err == nil {
				if again, err := evidence.Encode(d); err != nil || !bytes.Equal(again, b) {
					t.Errorf("stores %q do not survive: %v\n%s", stores, err, again)
				}
			}
		}
	}
}
