package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

var meterConfig = evidence.MeterConfig{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus", Timestamps: "unixnano"}

// slowContent measures NDJSON the plain way: split, a real JSON tokenizer, the
// reference tree.
func slowContent(b []byte) evidence.Content {
	c := evidence.Content{Bytes: int64(len(b)), SHA256: sha256.Sum256(b)}
	lines := bytes.Split(b, []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	c.Lines = int64(len(lines))
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, line := range lines {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), tlog.RecordHash(line), reader)
		if err != nil {
			panic(err)
		}
		stored = append(stored, hashes...)
		if nanos, ok := slowTime(line); ok {
			at := time.Unix(0, nanos).UTC()
			if c.FirstEvent == nil || at.Before(*c.FirstEvent) {
				c.FirstEvent = &at
			}
			if c.LastEvent == nil || at.After(*c.LastEvent) {
				c.LastEvent = &at
			}
		}
	}
	root, err := tlog.TreeHash(int64(len(lines)), reader)
	if err != nil {
		panic(err)
	}
	c.MerkleRoot = evidence.Digest(root)
	return c
}

// slowTime finds the first top-level EdgeStartTimestamp of a valid object.
func slowTime(line []byte) (int64, bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return 0, false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return 0, false
		}
		isTime := name.String() == "EdgeStartTimestamp"
		value, err := dec.ReadValue()
		if err != nil {
			return 0, false
		}
		if isTime {
			var n int64
			text := strings.Trim(string(value), `"`)
			if len(text) > 19 || text == "" || strings.Trim(text, "0123456789") != "" {
				return 0, false
			}
			if _, err := fmt.Sscanf(text, "%d", &n); err != nil {
				return 0, false
			}
			return n, true
		}
	}
	return 0, false
}

func measure(b []byte, chunks func(left int) int) evidence.Content {
	m := evidence.NewMeter(meterConfig)
	for len(b) > 0 {
		n := chunks(len(b))
		_, _ = m.Write(b[:n])
		b = b[n:]
	}
	return m.Content()
}

func TestMeterAgainstSlow(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3<<20)
	for name, text := range map[string]string{
		"empty":            "",
		"one":              `{"EdgeStartTimestamp":1700000000123456789,"EdgeResponseStatus":200}` + "\n",
		"no line feed":     `{"EdgeStartTimestamp":1700000000123456789}`,
		"blank lines":      "\n\n{}\n\n",
		"crlf":             "{\"EdgeStartTimestamp\":1700000000123456789}\r\n{}\r\n",
		"string":           `{"EdgeStartTimestamp":"1700000000123456789"}` + "\n",
		"nested":           `{"Cookies":{"EdgeStartTimestamp":1},"EdgeStartTimestamp":1700000000123456789}` + "\n",
		"only nested":      `{"Cookies":{"EdgeStartTimestamp":1}}` + "\n",
		"value":            `{"UA":"EdgeStartTimestamp","X":"\"EdgeStartTimestamp\":5","EdgeStartTimestamp":7}` + "\n",
		"braces in string": `{"UA":"}{[\\","EdgeStartTimestamp":7}` + "\n",
		"spaces":           "{ \"EdgeStartTimestamp\" : 7 , \"a\":1}\n",
		"too big":          `{"EdgeStartTimestamp":9999999999999999999}` + "\n",
		"long line":        `{"EdgeStartTimestamp":7,"a":"` + long + `"}` + "\n" + `{"EdgeStartTimestamp":9}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := slowContent([]byte(text))
			rng := rand.New(rand.NewPCG(1, 2))
			for _, chunks := range []func(int) int{
				func(left int) int { return left },
				func(left int) int { return min(left, 1+rng.IntN(1+left/3)) },
			} {
				got := measure([]byte(text), chunks)
				if lines := got.Tally.Lines(); lines != want.Lines {
					t.Errorf("tally counts %d lines, want %d", lines, want.Lines)
				}
				got.Tally = nil
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

func FuzzMeter(f *testing.F) {
	f.Add([]byte("{\"EdgeStartTimestamp\":1700000000123456789,\"EdgeResponseStatus\":200}\n{}\n"), uint8(3))
	f.Add([]byte(`{"Cookies":{"a":"\\\"EdgeStartTimestamp\":1"},"EdgeStartTimestamp":"7"}`), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, chunk uint8) {
		want := slowContent(b)
		got := measure(b, func(left int) int { return min(left, int(chunk)+1) })
		if got.Tally.Lines() != want.Lines {
			t.Fatalf("tally counts %d lines of %d", got.Tally.Lines(), want.Lines)
		}
		got.Tally = nil
		for _, line := range bytes.Split(b, []byte("\n")) {
			if !jsontext.Value(bytes.TrimSpace(line)).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
				// Of lines that are not JSON only digests and counts are promised.
				want.FirstEvent, want.LastEvent, got.FirstEvent, got.LastEvent = nil, nil, nil, nil
			}
			if bytes.Contains(line, []byte(`\u`)) {
				t.Skip("an escaped member name is not one that Cloudflare writes")
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestTally(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	base := int64(1700000000) / 60 * 60
	for i, status := range []int{200, 204, 301, 404, 500, 101, 600, 0} {
		fmt.Fprintf(&b, "{\"EdgeStartTimestamp\":%d000000000,\"EdgeResponseStatus\":%d}\n", base+int64(i/4)*120, status)
	}
	b.WriteString("{\"EdgeResponseStatus\":403}\n")
	got := measure(b.Bytes(), func(left int) int { return left }).Tally
	want := &evidence.Tally{
		Bucket: 60, From: time.Unix(base, 0).UTC(),
		Rows:    [][7]int64{{0, 0, 2, 1, 1, 0, 0}, {2, 1, 0, 0, 0, 1, 2}},
		Untimed: [6]int64{0, 0, 0, 1, 0, 0},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTallyIsBounded feeds event times spread over two centuries: an entry
// must still fit, and every line be counted.
func TestTallyIsBounded(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	rng := rand.New(rand.NewPCG(1, 1))
	const lines = 50_000
	for range lines {
		fmt.Fprintf(&b, "{\"EdgeStartTimestamp\":%d,\"EdgeResponseStatus\":200}\n", rng.Int64())
	}
	got := measure(b.Bytes(), func(left int) int { return min(left, 1<<16) }).Tally
	if len(got.Rows) > 360 || got.Lines() != lines {
		t.Errorf("%d rows, %d lines", len(got.Rows), got.Lines())
	}
}

func BenchmarkMeter(b *testing.B) {
	line := []byte(`{"EdgeStartTimestamp":1700000000123456789,"EdgeResponseStatus":200,"ClientRequestUserAgent":"` +
		strings.Repeat("Mozilla/5.0 ", 120) + `"}` + "\n")
	block := bytes.Repeat(line, 300)
	b.SetBytes(int64(len(block)))
	m := evidence.NewMeter(meterConfig)
	for b.Loop() {
		_, _ = m.Write(block)
	}
}
