package client

import (
	"context"

	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

// Sources are what the customer may collect from.
func (c *Client) Sources(ctx context.Context) ([]gen.Source, error) {
	res, err := c.calls.ListSourcesWithResponse(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	if res.JSON200 == nil {
		return nil, ErrAnswer
	}
	return res.JSON200.Sources, nil
}

// PutSource brings a token, or another in the place of the source's. Nobody is
// shown it again.
func (c *Client) PutSource(ctx context.Context, name, token string) (*gen.Source, error) {
	res, err := c.calls.PutSourceWithResponse(ctx, name, gen.SourceToken{Token: &token})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// RemoveSource has a token forgotten that no zone is collected with.
func (c *Client) RemoveSource(ctx context.Context, name string) error {
	_, err := c.calls.RemoveSourceWithResponse(ctx, name)
	return err //nolint:wrapcheck // says what is wrong
}
