package collect

import (
	"context"
	"errors"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// NoSource is for collectors that only catch up.
type NoSource struct{}

var _ source.Source = NoSource{}

var errNoSource = errors.New("there is no source")

// Describe offers nothing.
func (NoSource) Describe(context.Context) (source.Description, error) {
	return source.Description{}, nil
}

// Probe fails.
func (NoSource) Probe(context.Context, string) (source.Report, error) {
	return source.Report{}, errNoSource
}

// Pull fails.
func (NoSource) Pull(context.Context, source.Request) (*source.Stream, error) {
	return nil, errNoSource
}
