package worker

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
)

// everyKind has each kind of cell, and what is at its edges.
func everyKind() []any {
	huge, _ := new(big.Int).SetString("-170141183460469231731687303715884105728", 10)
	return []any{
		nil, false, true, int64(math.MinInt64), int64(1234567890123456789), uint64(math.MaxUint64), huge, big.NewInt(0),
		0.1, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1),
		"", "日本語 è", "not UTF-8 \xff\xfe\x00", []byte{}, []byte{0, 255, '\n'},
		time.Date(2026, 1, 1, 12, 0, 0, 123456789, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		query.Number("-0.00"), query.JSON(`{"a":[1,null]}`), query.JSON{},
	}
}

// exact compares cells by type and value, and numbers by their bits.
var exact = cmp.Options{
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
	cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }),
}

// inPieces is a stream of cells that comes n bytes at a time.
func inPieces(b []byte, n int) *cells {
	return &cells{more: func() ([]byte, error) {
		if len(b) == 0 {
			return nil, io.EOF
		}
		piece := b[:min(n, len(b))]
		b = b[len(piece):]
		return bytes.Clone(piece), nil
	}}
}

func TestCells(t *testing.T) {
	t.Parallel()
	var b []byte
	var err error
	for _, v := range everyKind() {
		if b, err = appendCell(b, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{1, 2, 3, 7, len(b)} {
		c := inPieces(b, n)
		for i, want := range everyKind() {
			got, err := c.next()
			if err != nil {
				t.Fatalf("cell %d in pieces of %d: %v", i, n, err)
			}
			if diff := cmp.Diff(want, got, exact); diff != "" {
				t.Errorf("cell %d in pieces of %d: %s", i, n, diff)
			}
		}
		if _, err := c.next(); !errors.Is(err, io.EOF) {
			t.Errorf("behind the last cell: %v", err)
		}
	}
	if _, err := appendCell(nil, struct{}{}); err == nil {
		t.Error("a struct crosses")
	}
}

// What is read is written back byte for byte, or refused.
func FuzzCells(f *testing.F) {
	for _, v := range everyKind() {
		b, _ := appendCell(nil, v)
		f.Add(b)
	}
	f.Add([]byte{byte(cellString), 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{byte(cellBig), 0, 0, 0, 2, '0', '7'})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := inPieces(b, 5)
		var back []byte
		for {
			v, err := c.next()
			if err != nil {
				break
			}
			if back, err = appendCell(back, v); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(b, back) {
			t.Errorf("%x was read as %x", b, back)
		}
	})
}

// Likewise for frames, which are never longer than they may be.
func FuzzFrames(f *testing.F) {
	var b bytes.Buffer
	w := &frameWriter{w: &b}
	_ = w.message(frameProgress, Progress{Lines, 1, 2})
	_ = w.write(frameRows, []byte("rows"))
	f.Add(b.Bytes())
	f.Add([]byte{byte(frameEnd), 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := frameReader{r: bytes.NewReader(b)}
		var back bytes.Buffer
		for {
			kind, payload, err := r.read()
			if err != nil {
				break
			}
			if err := (&frameWriter{w: &back}).write(kind, payload); err != nil {
				t.Fatal(err)
			}
			var p Progress
			_ = decode(payload, &p)
		}
		if !bytes.HasPrefix(b, back.Bytes()) {
			t.Errorf("%x was read as %x", b, back.Bytes())
		}
	})
}
