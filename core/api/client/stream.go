package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/http"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

// ErrCut is a stream that ended before what was asked for had come.
var ErrCut = errors.New("the server has cut the stream off")

// Change is what has happened to a zone: one of these.
type Change struct {
	Zone    *gen.Zone    // it is there, or is another than it was
	Removed *gen.Removed // it is collected no longer
	Chain   *gen.Grown   // its chain is as long as this
}

// Follow tells how all of the customer's zones stand, and then what changes,
// until ctx ends, the key does, or the server; the last is the end without an
// error. Who asks again is told anew how all stand.
func (c *Client) Follow(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		res, err := c.streams.FollowEvents(ctx) //nolint:bodyclose // eventsOf closes it
		for e, err := range eventsOf(res, err) {
			var change Change
			if err == nil {
				change, err = changeOf(e)
			}
			if err == nil && change == (Change{}) {
				continue // of a kind that is newer than this client
			}
			if !yield(change, err) || err != nil {
				return
			}
		}
	}
}

func changeOf(e sent) (Change, error) {
	var err error
	var c Change
	switch e.event {
	case "zone":
		c.Zone, err = decoded[gen.Zone](e)
	case "removed":
		c.Removed, err = decoded[gen.Removed](e)
	case "chain":
		c.Chain, err = decoded[gen.Grown](e)
	}
	return c, err
}

// Verify has a zone's chain and its objects verified at a level: chain, objects,
// or content, which "" is too. progress, if not nil, is called on the way. What
// the server holds against the archive is in what is returned, and no error.
func (c *Client) Verify(ctx context.Context, z Zone, level string, progress func(gen.Progress)) (*gen.Verification, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	params := &gen.VerifyZoneParams{Dataset: given(z.Dataset), Level: given(gen.VerifyZoneParamsLevel(level))}
	res, err := c.streams.VerifyZone(ctx, z.ID, params) //nolint:bodyclose // eventsOf closes it
	for e, err := range eventsOf(res, err) {
		if err != nil {
			return nil, err
		}
		switch e.event {
		case "progress":
			p, err := decoded[gen.Progress](e)
			if err != nil {
				return nil, err
			}
			if progress != nil {
				progress(*p)
			}
		case "report":
			return decoded[gen.Verification](e)
		case "problem":
			p, err := decoded[api.Problem](e)
			if err != nil {
				return nil, err
			}
			return nil, p
		}
	}
	return nil, ErrCut
}

// eventsOf reads an answer that is a stream of events, and closes it. An answer
// that there is none of is its error.
func eventsOf(res *http.Response, err error) iter.Seq2[sent, error] {
	return func(yield func(sent, error) bool) {
		if err != nil {
			yield(sent{}, err)
			return
		}
		defer res.Body.Close() //nolint:errcheck // only read
		if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "text/event-stream" {
			yield(sent{}, ErrAnswer)
			return
		}
		events(res.Body)(yield)
	}
}

func decoded[T any](e sent) (*T, error) {
	v := new(T)
	if err := json.Unmarshal([]byte(e.data), v); err != nil {
		return nil, fmt.Errorf("%w: event %.40q: %w", ErrAnswer, e.event, err)
	}
	return v, nil
}
