package logpull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// maxAnswer bounds every JSON answer.
const maxAnswer = 1 << 20

// getJSON asks for a small JSON answer.
func (s *Source) getJSON(ctx context.Context, r request, into any) error {
	x, err := s.send(ctx, r)
	if err != nil {
		return retried(err)
	}
	defer func() { _ = x.Close() }() // the answer is read by then
	if x.resp.StatusCode != http.StatusOK {
		return retried(s.refusal(x))
	}
	b, err := io.ReadAll(io.LimitReader(x, maxAnswer+1))
	if err != nil {
		return retried(err)
	}
	if len(b) > maxAnswer {
		return badAnswer(r.op, fmt.Errorf("more than %d bytes", maxAnswer))
	}
	if _, refused := parseWrapper(b); refused {
		return badAnswer(r.op, errors.New(s.describe(b)))
	}
	if err := json.Unmarshal(b, into); err != nil {
		return badAnswer(r.op, s.clean(err))
	}
	return nil
}

// retried takes a cut or late answer that is no window: there is nothing to
// halve.
func retried(err error) error {
	var e *source.Error
	if errors.As(err, &e) && e.Class == source.ClassSplit {
		again := *e
		again.Class = source.ClassRetry
		return &again
	}
	return err
}

// badAnswer is a 200 that makes no sense.
func badAnswer(op string, err error) error {
	return &source.Error{
		Op: op, Class: source.ClassRetry, Msg: "the answer is not understood", Err: err,
		Hint: "look for a proxy or a login page on the way to Cloudflare",
	}
}
