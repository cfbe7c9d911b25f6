package client

import (
	"context"
	"iter"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

// Zone names a zone under collection: its id, and the dataset where there are several.
type Zone struct{ ID, Dataset string }

// page is as many as one answer holds at most.
const page = 1000

// Register makes a customer and its first admin key. The client's Key is the
// registration token.
func (c *Client) Register(ctx context.Context, name string, sources []string) (*gen.Registered, error) {
	in := gen.NewCustomer{Name: name}
	if len(sources) > 0 {
		in.Sources = &sources
	}
	res, err := c.calls.CreateCustomerWithResponse(ctx, in)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON201)
}

// Me tells who the key is.
func (c *Client) Me(ctx context.Context) (*gen.Me, error) {
	res, err := c.calls.GetMeWithResponse(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// Audit is what was done by the customer's keys, the latest first.
func (c *Client) Audit(ctx context.Context) iter.Seq2[gen.Event, error] {
	return paged(func(cursor *string) ([]gen.Event, *string, error) {
		res, err := c.calls.ListEventsWithResponse(ctx, &gen.ListEventsParams{Limit: given(int64(page)), Cursor: cursor})
		if err != nil {
			return nil, nil, err //nolint:wrapcheck // says what is wrong
		}
		if res.JSON200 == nil {
			return nil, nil, ErrAnswer
		}
		return res.JSON200.Events, res.JSON200.Next, nil
	})
}

// Keys are the customer's, ended ones too.
func (c *Client) Keys(ctx context.Context) ([]gen.Key, error) {
	res, err := c.calls.ListKeysWithResponse(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	if res.JSON200 == nil {
		return nil, ErrAnswer
	}
	return res.JSON200.ApiKeys, nil
}

// AddKey makes a key, which expires unless the time is zero.
func (c *Client) AddKey(ctx context.Context, name, role string, expires time.Time) (*gen.KeySecret, error) {
	res, err := c.calls.CreateKeyWithResponse(ctx, gen.NewKey{Name: name, Role: gen.NewKeyRole(role), ExpiresAt: given(expires)})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON201)
}

// RotateKey makes a key in the place of one, which works on for a while.
func (c *Client) RotateKey(ctx context.Context, id string, overlap time.Duration) (*gen.KeySecret, error) {
	seconds := int64(overlap / time.Second)
	res, err := c.calls.RotateKeyWithResponse(ctx, id, gen.Rotation{OverlapSeconds: given(seconds)})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON201)
}

// RevokeKey ends a key.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	_, err := c.calls.RevokeKeyWithResponse(ctx, id)
	return err //nolint:wrapcheck // says what is wrong
}

// Zones are the customer's, by name.
func (c *Client) Zones(ctx context.Context) ([]gen.Zone, error) {
	res, err := c.calls.ListZonesWithResponse(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	if res.JSON200 == nil {
		return nil, ErrAnswer
	}
	return res.JSON200.Zones, nil
}

// Backlog is how far the collecting of each of the customer's zones is.
func (c *Client) Backlog(ctx context.Context) ([]gen.ZoneBacklog, error) {
	res, err := c.calls.ListBacklogWithResponse(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	if res.JSON200 == nil {
		return nil, ErrAnswer
	}
	return res.JSON200.Zones, nil
}

// AddZone puts a zone under collection.
func (c *Client) AddZone(ctx context.Context, z gen.NewZone) (*gen.Zone, error) {
	res, err := c.calls.CreateZoneWithResponse(ctx, z)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON201)
}

// Zone is one zone as it stands.
func (c *Client) Zone(ctx context.Context, z Zone) (*gen.Zone, error) {
	res, err := c.calls.GetZoneWithResponse(ctx, z.ID, &gen.GetZoneParams{Dataset: given(z.Dataset)})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// ChangeZone changes what the patch has, and returns the zone as it is now.
func (c *Client) ChangeZone(ctx context.Context, z Zone, patch gen.ZonePatch) (*gen.Zone, error) {
	res, err := c.calls.ChangeZoneWithResponse(ctx, z.ID, &gen.ChangeZoneParams{Dataset: given(z.Dataset)}, patch)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// RemoveZone ends the collecting of a zone; its archive stays.
func (c *Client) RemoveZone(ctx context.Context, z Zone) error {
	_, err := c.calls.RemoveZoneWithResponse(ctx, z.ID, &gen.RemoveZoneParams{Dataset: given(z.Dataset)})
	return err //nolint:wrapcheck // says what is wrong
}

// Pull has what is due of a zone pulled before all else, and returns how many
// windows that are.
func (c *Client) Pull(ctx context.Context, z Zone) (int64, error) {
	res, err := c.calls.PullZoneWithResponse(ctx, z.ID, &gen.PullZoneParams{Dataset: given(z.Dataset)})
	if err != nil {
		return 0, err //nolint:wrapcheck // says what is wrong
	}
	if res.JSON202 == nil {
		return 0, ErrAnswer
	}
	return res.JSON202.Queued, nil
}

// Jobs are a zone's windows, the latest first.
func (c *Client) Jobs(ctx context.Context, z Zone) iter.Seq2[gen.Job, error] {
	return paged(func(cursor *string) ([]gen.Job, *string, error) {
		res, err := c.calls.ListJobsWithResponse(ctx, z.ID, &gen.ListJobsParams{Dataset: given(z.Dataset), Limit: given(int64(page)), Cursor: cursor})
		if err != nil {
			return nil, nil, err //nolint:wrapcheck // says what is wrong
		}
		if res.JSON200 == nil {
			return nil, nil, ErrAnswer
		}
		return res.JSON200.Jobs, res.JSON200.Next, nil
	})
}

// Job is one window.
func (c *Client) Job(ctx context.Context, id string) (*gen.Job, error) {
	res, err := c.calls.GetJobWithResponse(ctx, id)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// Coverage says what of a range is sealed. The range has 31 days at most; a
// bound that is zero is the server's: the day that ends now.
func (c *Client) Coverage(ctx context.Context, z Zone, from, to time.Time) (*gen.Coverage, error) {
	res, err := c.calls.GetCoverageWithResponse(ctx, z.ID, &gen.GetCoverageParams{Dataset: given(z.Dataset), From: given(from), To: given(to)})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// Chain is the head of a zone's chain, signed.
func (c *Client) Chain(ctx context.Context, z Zone) (*gen.Chain, error) {
	res, err := c.calls.GetChainWithResponse(ctx, z.ID, &gen.GetChainParams{Dataset: given(z.Dataset)})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	return got(res.JSON200)
}

// paged asks for page after page, until there is none or nobody asks any more.
func paged[T any](ask func(cursor *string) (some []T, next *string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var cursor *string
		for {
			some, next, err := ask(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range some {
				if !yield(v, nil) {
					return
				}
			}
			if next == nil || *next == "" || len(some) == 0 {
				return
			}
			cursor = next
		}
	}
}
