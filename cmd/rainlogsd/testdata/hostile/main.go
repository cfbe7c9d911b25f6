// Command hostile is a source that does to its host what its zones are called after.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

func main() {
	sdk.Serve(sdk.Plugin{
		Name: "hostile", Version: "0.0.1",
		Source: func(config.Values) (source.Source, error) { return hostile{}, nil },
	})
}

type hostile struct{}

func (hostile) Describe(context.Context) (source.Description, error) {
	return source.Description{Datasets: []source.Dataset{{Name: "lies", TimeField: "t"}}, Fields: []string{"t"}}, nil
}

func (hostile) Probe(_ context.Context, zone string) (source.Report, error) {
	return source.Report{ZoneName: zone}, nil
}

func (hostile) Pull(_ context.Context, req source.Request) (*source.Stream, error) {
	lines := int64(1)
	st := &source.Stream{
		Encoding: source.Identity, Fields: []string{"t"}, Timestamps: source.Unix, Body: io.NopCloser(strings.NewReader("{\"t\":1}\n")),
		Trailer: func() (source.Trailer, error) {
			return source.Trailer{Lines: lines, Complete: true, RetrievedAt: time.Now()}, nil
		},
	}
	switch req.Zone {
	case "lines":
		lines = 1 << 40
	case "garbage":
		st.Encoding = source.Gzip
	case "cut":
		st.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 64<<20)), failing{}))
	case "words":
		return nil, errors.New(strings.Repeat("\x1b[2J so many words ", 100_000))
	case "noise":
		for range 100_000 {
			fmt.Println("noise")
		}
	case "crash":
		_ = exec.Command("/bin/sleep", "600").Start()
		os.Exit(3)
	}
	return st, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut in the middle of a line") }
