package collect_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// fakeSource serves windows of generated lines, and what a test tells it to.
type fakeSource struct {
	mu    sync.Mutex
	now   func() time.Time
	pulls map[string]int // by window
	// fault may take a pull over; nil serves it well.
	fault func(req source.Request, attempt int) (*source.Stream, error)
	// fields in force.
	fields []string
}

func newFakeSource(now func() time.Time) *fakeSource {
	return &fakeSource{now: now, pulls: map[string]int{}, fields: []string{"ClientIP", "EdgeStartTimestamp"}}
}

func (f *fakeSource) Describe(context.Context) (source.Description, error) {
	return source.Description{
		Datasets: []source.Dataset{{Name: "http_requests", TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}},
		Limits:   source.Limits{MaxWindow: time.Hour, MinLag: time.Minute, MaxAge: 168 * time.Hour},
	}, nil
}

func (f *fakeSource) Probe(context.Context, string) (source.Report, error) {
	return source.Report{}, nil
}

func (f *fakeSource) Pull(_ context.Context, req source.Request) (*source.Stream, error) {
	f.mu.Lock()
	key := req.Start.String() + req.End.String()
	f.pulls[key]++
	attempt, fault, fields := f.pulls[key], f.fault, f.fields
	f.mu.Unlock()
	if fault != nil {
		if st, err := fault(req, attempt); st != nil || err != nil {
			return st, err
		}
	}
	return f.stream(fields, windowLines(req.Start, req.End)), nil
}

func (f *fakeSource) stream(fields []string, lines []byte) *source.Stream {
	return &source.Stream{
		Encoding: source.Gzip, Fields: fields, Timestamps: source.UnixNano,
		FailureLines: []string{"Error streaming data."},
		Body:         io.NopCloser(bytes.NewReader(zip(lines))),
		Trailer: func() (source.Trailer, error) {
			return source.Trailer{Lines: -1, Complete: true, RetrievedAt: f.now()}, nil
		},
	}
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// windowLines are the records received in [start, end): some each minute,
// none at all in every seventh minute, each a function of its second alone so
// that any tiling of a range yields the same set.
func windowLines(start, end time.Time) []byte {
	var b bytes.Buffer
	for t := start; t.Before(end); t = t.Add(time.Second) {
		if t.Unix()/60%7 == 0 || t.Unix()%5 != 0 {
			continue
		}
		rng := rand.New(rand.NewPCG(uint64(t.Unix()), 1))
		fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"EdgeResponseStatus":%d,"RayID":"%016x"}`+"\n",
			t.Add(-3*time.Minute).UnixNano()+rng.Int64N(1e9), 200+rng.IntN(3)*100, rng.Uint64())
	}
	return b.Bytes()
}
