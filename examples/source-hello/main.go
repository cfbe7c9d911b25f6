// Rainlogs-source-hello is the smallest source plugin that keeps the
// contract: one greeting a second, for every zone whose name is a word.
//
// It needs no network and no account. What a real source does with a
// producer's answers (refusals, rates, compression, lines that say that a
// stream has failed) stands in the comments of package source.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "hello", Version: "0.1.0",
		Schema: config.Schema{
			{Name: "greeting", Kind: config.String, Default: "hello", Help: "how to greet"},
		},
		Source: func(v config.Values) (source.Source, error) { return &hello{greeting: v["greeting"]}, nil },
	}
}

// hello has no state that changes: it is safe for concurrent use.
type hello struct{ greeting string }

var _ source.Source = (*hello)(nil)

const (
	dataset   = "greetings"
	maxWindow = time.Hour // so that a window fits into memory
)

// fields are the record's members, sorted.
func fields() []string { return []string{"Greeting", "Second", "Time"} }

var word = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,62}$`)

// Describe needs no network.
func (h *hello) Describe(context.Context) (source.Description, error) {
	return source.Description{
		Datasets: []source.Dataset{{Name: dataset, TimeField: "Time"}},
		Limits:   source.Limits{MaxWindow: maxWindow, MinLag: time.Second},
	}, nil
}

// Probe says what will work for a zone. What fails is in the report.
func (h *hello) Probe(ctx context.Context, zone string) (source.Report, error) {
	if err := ctx.Err(); err != nil {
		return source.Report{}, err
	}
	check := source.Check{Name: "zone", Status: source.OK, Value: zone}
	if !word.MatchString(zone) {
		check = source.Check{Name: "zone", Status: source.Fail, Detail: "the zone is no word", Remedy: "choose another"}
	}
	return source.Report{Checks: []source.Check{check}, Fields: fields(), ZoneName: zone}, nil
}

// Pull returns the greetings of one window, the same ones every time.
func (h *hello) Pull(ctx context.Context, req source.Request) (*source.Stream, error) {
	if err := check(req); err != nil {
		return nil, err
	}
	want := req.Fields
	if len(want) == 0 {
		want = fields()
	}
	b := &body{ctx: ctx}
	for at := req.Start; at.Before(req.End); at = at.Add(time.Second) {
		all := map[string]any{"Time": at.Format(time.RFC3339), "Second": at.Second(), "Greeting": h.greeting + ", " + req.Zone}
		record := map[string]any{}
		for _, name := range want {
			record[name] = all[name]
		}
		line, err := json.Marshal(record)
		if err != nil {
			return nil, refuse(source.ClassBug, "write a greeting: %v", err)
		}
		b.records.Write(append(line, '\n'))
		b.lines++
	}
	return &source.Stream{Encoding: source.Identity, Fields: want, Timestamps: source.RFC3339, Body: b, Trailer: b.trailer}, nil
}

// check refuses what no retry can help.
func check(req source.Request) error {
	for _, name := range req.Fields {
		if !slices.Contains(fields(), name) {
			return refuse(source.ClassBug, "there is no field %q", name)
		}
	}
	switch length := req.End.Sub(req.Start); {
	case req.Dataset != dataset:
		return refuse(source.ClassBug, "there is no dataset %q", req.Dataset)
	case !word.MatchString(req.Zone):
		return refuse(source.ClassBlocked, "zone %q is no word", req.Zone)
	case req.Start.IsZero() || length <= 0 || length > maxWindow || req.Start.Nanosecond()+req.End.Nanosecond() != 0:
		return refuse(source.ClassBug, "want a window of whole seconds, 1s to %s, not %s to %s", maxWindow, req.Start, req.End)
	case time.Until(req.End) > 0:
		return refuse(source.ClassRetry, "the window is not over") // and so nobody may call it complete
	}
	return nil
}

// refuse is an error that tells the host what to do next.
func refuse(class source.Class, format string, args ...any) error {
	return &source.Error{Op: "pull", Class: class, Msg: fmt.Sprintf(format, args...)}
}

// body is an open window. The buffer is no embedded one: its WriteTo would
// pass Read by, and the context with it.
type body struct {
	records bytes.Buffer
	ctx     context.Context
	lines   int64
	ended   bool
}

// Read ends with io.EOF, and with an error when nobody wants the rest.
func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.records.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err //nolint:wrapcheck // io.EOF must stay bare
}

// Close has nothing to give back.
func (b *body) Close() error { return nil }

func (b *body) trailer() (source.Trailer, error) {
	if !b.ended {
		return source.Trailer{}, refuse(source.ClassBug, "the trailer follows the last record")
	}
	return source.Trailer{Lines: b.lines, Complete: true, RetrievedAt: time.Now().UTC()}, nil
}
