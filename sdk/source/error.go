package source

import (
	"errors"
	"fmt"
	"time"
)

// Class says what the host does next after a failed operation. It is the only
// part of an error that the host acts on.
type Class string

// The classes. A window is never given up on any class but ClassGone.
const (
	// ClassRetry: try the same again, after After if it is set.
	ClassRetry Class = "retry"
	// ClassSplit: the window is too heavy; halve it and try the halves.
	ClassSplit Class = "split"
	// ClassBlocked: an operator has to act (credential, permission, setting);
	// the window stays open.
	ClassBlocked Class = "blocked"
	// ClassGone: the producer no longer has the window and never will.
	ClassGone Class = "gone"
	// ClassBug: the request itself was wrong; trying it again cannot help.
	ClassBug Class = "bug"
)

// Reasons for ClassGone and ClassBlocked, as they are sealed into gap entries.
const (
	ReasonTooOld       = "too_old"
	ReasonRetentionOff = "retention_off"
	ReasonNotEntitled  = "not_entitled"
	ReasonBoundary     = "boundary"
	ReasonCredential   = "credential"
)

// Reasons for ClassRetry and ClassSplit that tell the host more than to wait.
const (
	ReasonTimeout        = "timeout"         // counts in the rates of scope TimeoutsPerZone
	ReasonFields         = "fields"          // the zone no longer has all fields that the request names: ask anew which it has
	ReasonRate           = "rate"            // too many requests for the zone; not before After
	ReasonRateCredential = "rate_credential" // too many for the credential; not before After
)

// Error is a source's failure with its class. It MUST NOT hold secrets: its
// text is logged and shown.
type Error struct {
	Op     string // "pull", "probe"
	Class  Class
	Reason string        // closed list above, or ""
	After  time.Duration // ClassRetry: not before this long from now; 0 = the host's own backoff
	Msg    string        // what happened
	Hint   string        // what to do about it, or ""
	Err    error         // cause, or nil
}

func (e *Error) Error() string {
	msg := e.Msg
	if msg == "" && e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return e.Op + ": " + msg
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err: its *Error's, or ClassRetry.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) && e.Class != "" {
		return e.Class
	}
	return ClassRetry
}
