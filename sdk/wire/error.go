package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

var (
	// ErrPluginGone: the process ended or its connection broke in the middle
	// of a call, or it could not be started again yet.
	ErrPluginGone = errors.New("plugin process is gone")
	// ErrProtocol: the plugin's answer breaks the protocol or its bounds.
	ErrProtocol = errors.New("plugin broke the protocol")
	// ErrIdle: the plugin made no progress for Config.Idle.
	ErrIdle = errors.New("plugin made no progress")
)

// sentinel is a well-known error and its name on the wire.
type sentinel struct {
	name string
	err  error
}

// sentinels lists what errors.Is must find on both sides.
func sentinels() []sentinel {
	return []sentinel{
		{"not_found", storage.ErrNotFound},
		{"exists", storage.ErrExists},
		{"changed", storage.ErrChanged},
		{"locked", storage.ErrLocked},
		{"permission", storage.ErrPermission},
		{"unavailable", storage.ErrUnavailable},
		{"corrupt", storage.ErrCorrupt},
		{"full", storage.ErrFull},
		{"invalid_key", storage.ErrInvalidKey},
		{"canceled", context.Canceled},
		{"deadline", context.DeadlineExceeded},
		{"truncated", io.ErrUnexpectedEOF},
	}
}

// remoteError has the text of an error of the other side and is what it was.
type remoteError struct {
	text string
	is   []error
}

func (e *remoteError) Error() string   { return e.text }
func (e *remoteError) Unwrap() []error { return e.is }

// encodeError turns an error of a port into a gRPC status with its detail.
func encodeError(err error) error {
	if err == nil {
		return nil
	}
	d := &pb.ErrorDetail{Text: clip(err.Error(), maxErrorText)}
	for _, s := range sentinels() {
		if errors.Is(err, s.err) {
			d.Is = append(d.Is, s.name)
		}
	}
	var se *source.Error
	if errors.As(err, &se) {
		d.Source = &pb.SourceError{
			Op: clip(se.Op, maxName), Class: clip(string(se.Class), maxName), Reason: clip(se.Reason, maxName),
			Msg: clip(se.Msg, maxErrorText), Hint: clip(se.Hint, maxErrorText),
		}
		if se.After > 0 {
			d.Source.After = durationpb.New(se.After)
		}
		if se.Err != nil {
			d.Source.HasCause = true
			d.Source.Cause = clip(se.Err.Error(), maxErrorText)
		}
	}
	// The status' own text stays short: all that is said is in the detail.
	st, detailErr := status.New(codes.Aborted, "plugin error").WithDetails(d)
	if detailErr != nil {
		return status.Error(codes.Aborted, d.Text)
	}
	return st.Err()
}

// decodeError rebuilds the error of a detail. Its strings come from a plugin.
func decodeError(d *pb.ErrorDetail) error {
	var is []error
	for _, s := range sentinels() {
		for _, name := range d.GetIs() {
			if s.name == name {
				is = append(is, s.err)
				break
			}
		}
	}
	text := clip(d.GetText(), maxErrorText)
	s := d.GetSource()
	if s == nil {
		return &remoteError{text: text, is: is}
	}
	se := &source.Error{
		Op: clip(s.GetOp(), maxName), Class: knownClass(s.GetClass()), Reason: knownReason(s.GetReason()),
		Msg: clip(s.GetMsg(), maxErrorText), Hint: clip(s.GetHint(), maxErrorText), After: boundedAfter(s.GetAfter()),
	}
	if s.GetHasCause() {
		se.Err = &remoteError{text: clip(s.GetCause(), maxErrorText), is: is}
	}
	if se.Error() == text {
		return se
	}
	return &remoteError{text: text, is: append(is, se)}
}

// knownClass maps what a plugin says to a class; an unknown one is retried,
// as is an error without any.
func knownClass(s string) source.Class {
	switch c := source.Class(s); c {
	case source.ClassRetry, source.ClassSplit, source.ClassBlocked, source.ClassGone, source.ClassBug:
		return c
	default:
		return source.ClassRetry
	}
}

// knownReason keeps the closed list closed: reasons are sealed as evidence.
func knownReason(s string) string {
	switch s {
	case source.ReasonTooOld, source.ReasonRetentionOff, source.ReasonNotEntitled,
		source.ReasonBoundary, source.ReasonCredential,
		source.ReasonTimeout, source.ReasonFields, source.ReasonRate, source.ReasonRateCredential:
		return s
	default:
		return ""
	}
}

// boundedAfter keeps a plugin from parking a window for ever.
func boundedAfter(d *durationpb.Duration) time.Duration {
	const most = 24 * time.Hour
	if d == nil || d.CheckValid() != nil {
		return 0
	}
	return min(max(d.AsDuration(), 0), most)
}

// fromStatus explains what a gRPC call failed with.
func fromStatus(err error) error {
	st, ok := status.FromError(err)
	if !ok {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	for _, d := range st.Details() {
		if detail, ok := d.(*pb.ErrorDetail); ok {
			return decodeError(detail)
		}
	}
	switch st.Code() {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return fmt.Errorf("%w: %s", ErrPluginGone, clip(st.Message(), maxErrorText))
	default:
		return fmt.Errorf("%w: %s: %s", ErrProtocol, st.Code(), clip(st.Message(), maxErrorText))
	}
}

// storageError gives a failure of the transport its class for storages.
func storageError(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrPluginGone) || errors.Is(err, ErrIdle) {
		return fmt.Errorf("%s: %w: %w", op, storage.ErrUnavailable, err)
	}
	var remote *remoteError
	if errors.As(err, &remote) {
		return err // says what it was doing itself
	}
	return fmt.Errorf("%s: %w", op, err)
}

// sourceError gives a failure of the transport its class for sources.
func sourceError(op string, err error) error {
	var se *source.Error
	var remote *remoteError
	if err == nil || errors.As(err, &se) || errors.As(err, &remote) {
		return err
	}
	return &source.Error{Op: op, Class: source.ClassRetry, Err: err}
}
