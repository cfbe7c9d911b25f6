package wire

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errClosed ends a stream that its reader has closed.
var errClosed = errors.New("stream closed")

// deadlineSlack is how far apart two ends may see the same deadline.
const deadlineSlack = 100 * time.Millisecond

// call is one operation under way in the host: it is cut off when the plugin
// makes no progress, and it says why it ended.
type call struct {
	parent context.Context // only to tell the caller's cancel from ours
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration
}

func newCall(parent context.Context, idle time.Duration) *call {
	c := &call{parent: parent, idle: idle}
	c.ctx, c.cancel = context.WithCancelCause(parent)
	c.timer = time.AfterFunc(idle, func() { c.cancel(fmt.Errorf("%w for %s", ErrIdle, idle)) })
	c.timer.Stop()
	return c
}

// step runs one exchange with the plugin under the idle timeout.
func (c *call) step(exchange func() error) error {
	return c.stepFor(c.idle, exchange)
}

func (c *call) stepFor(d time.Duration, exchange func() error) error {
	// gRPC hands out what has come already, whatever became of the context: a
	// short stream would be read to its end after it was cancelled.
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.timer.Reset(d)
	err := exchange()
	c.timer.Stop()
	return err
}

// end frees the call's resources. It may be called more than once.
func (c *call) end() {
	c.timer.Stop()
	c.cancel(errClosed)
}

// explain turns a gRPC error into the reason for which the call ended.
func (c *call) explain(err error) error {
	if ended := c.parent.Err(); ended != nil {
		if cause := context.Cause(c.parent); !errors.Is(ended, cause) {
			return fmt.Errorf("%w: %w", ended, cause)
		}
		return ended
	}
	if cause := context.Cause(c.ctx); cause != nil {
		return cause
	}
	err = fromStatus(err)
	// The plugin's end knows the caller's deadline too, and may give up a
	// moment before this end does. That is no fault of the plugin's.
	if d, ok := c.parent.Deadline(); ok && time.Until(d) < deadlineSlack && errors.Is(err, ErrPluginGone) {
		return context.DeadlineExceeded
	}
	return err
}
