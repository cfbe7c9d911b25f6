// Package sourcetest is the conformance suite of the source port: each subtest
// is one MUST of source.Source. The archive can rely on a source that passes.
//
// Run it in a package whose TestMain calls goleak.VerifyTestMain: streams that
// are cancelled or closed early must leave nothing behind.
package sourcetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// Window is a half-open window [Start, End).
type Window struct{ Start, End time.Time }

// Harness is what is known of a source's producer.
type Harness struct {
	Zone    string
	Dataset string
	// Full holds records in both of its halves, and at least two seconds.
	Full Window

	// Optional.
	Empty       Window        // holds no record
	Gone        Window        // the producer no longer has it
	UnknownZone string        // a zone that is well formed and not the producer's
	Offline     source.Source // its producer cannot be reached
	Secrets     []string      // must not be in any error or report
}

// Run checks a source. open is called once for each subtest, which makes fewer
// than 15 Pulls. The producer behind it holds the same records every time.
// What is to be taken down again is for t.Cleanup. Subtests run in parallel.
// Under go test, R is *testing.T.
func Run[R conformance.Runner[R]](t R, h Harness, open func(t R) source.Source) {
	t.Helper()
	tests := []struct {
		name string
		run  func(conformance.T, fixture)
	}{
		{"DescribeIsComplete", testDescribe},
		{"DescribeIsOffline", testDescribeOffline},
		{"Probe", testProbe},
		{"ProbeOfAnUnknownZone", testProbeUnknown},
		{"StreamSaysWhatItIs", testStream},
		{"TrailerAfterTheEnd", testTrailer},
		{"PullIsRepeatable", testRepeatable},
		{"WindowsAreHalfOpen", testHalfOpen},
		{"FieldsArePinned", testPinnedFields},
		{"ConcurrentPulls", testConcurrent},
		{"SmallReads", testSmallReads},
		{"EmptyWindow", testEmpty},
		{"CancelEndsTheStream", testCancel},
		{"CancelledContext", testCancelled},
		{"CloseEarly", testCloseEarly},
		{"InvalidWindows", testInvalidWindows},
		{"InvalidRequests", testInvalidRequests},
		{"UnknownZone", testUnknownZone},
		{"GoneWindow", testGone},
		{"OfflinePull", testOfflinePull},
	}
	for _, test := range tests {
		t.Run(test.name, func(t R) {
			t.Parallel()
			test.run(t, fixture{Harness: h, s: open(t)})
		})
	}
}

// fixture is a harness with an open source.
type fixture struct {
	Harness
	s source.Source
}

func (f fixture) request(w Window) source.Request {
	return source.Request{Zone: f.Zone, Dataset: f.Dataset, Start: w.Start, End: w.End}
}

// timeout ends a subtest that hangs.
const timeout = 2 * time.Minute

func contextFor(t conformance.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func classes() []source.Class {
	return []source.Class{source.ClassRetry, source.ClassSplit, source.ClassBlocked, source.ClassGone, source.ClassBug}
}

func reasons() []string {
	return []string{
		"", source.ReasonTooOld, source.ReasonRetentionOff, source.ReasonNotEntitled, source.ReasonBoundary, source.ReasonCredential, source.ReasonTimeout, source.ReasonFields,
		source.ReasonRate, source.ReasonRateCredential,
	}
}

// wantError checks what all errors have in common, and the class.
func (f fixture) wantError(t conformance.T, what string, err error, want ...source.Class) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	f.wantNoSecret(t, what, err.Error())
	var e *source.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %v is not a *source.Error", what, err)
		return
	}
	f.wantNoSecret(t, what, e.Hint)
	if !slices.Contains(want, e.Class) {
		t.Errorf("%s: class %q (%v), want one of %q", what, e.Class, err, want)
	}
	switch {
	case !slices.Contains(classes(), e.Class):
		t.Errorf("%s: class %q does not exist", what, e.Class)
	case !slices.Contains(reasons(), e.Reason):
		t.Errorf("%s: reason %q does not exist", what, e.Reason)
	case e.Op == "":
		t.Errorf("%s: error does not say what was being done: %v", what, err)
	case e.Msg == "" && e.Err == nil:
		t.Errorf("%s: error does not say what happened", what)
	case e.After < 0:
		t.Errorf("%s: retry after %s", what, e.After)
	}
}

func (f fixture) wantNoSecret(t conformance.T, what, text string) {
	t.Helper()
	for _, secret := range f.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s: shows a secret", what)
		}
	}
}
