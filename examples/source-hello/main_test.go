package main

import (
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/source/sourcetest"
)

func TestDeclaration(t *testing.T) {
	t.Parallel()
	if err := plugin().Validate(); err != nil {
		t.Error(err)
	}
}

// TestConformance is what `rainlogs plugin test` runs, without the process.
func TestConformance(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Truncate(time.Minute).Add(-time.Minute)
	sourcetest.Run(t, sourcetest.Harness{
		Zone: "world", Dataset: dataset, UnknownZone: "No-Word",
		Full: sourcetest.Window{Start: start, End: start.Add(time.Minute)},
	}, func(t *testing.T) source.Source {
		s, err := plugin().Source(config.Values{"greeting": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
