package cli

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
)

// outcome is how a case ended.
type outcome string

const (
	passed  outcome = "ok"
	failed  outcome = "FAIL"
	skipped outcome = "skip"
)

// caseResult is what is told of a case.
type caseResult struct {
	Name     string   `json:"name"`
	Outcome  outcome  `json:"outcome"`
	Seconds  float64  `json:"seconds"`
	Messages []string `json:"messages,omitempty"`
}

// Bounds on what is kept of what a case says: its words hold the plugin's.
const (
	maxMessages = 20
	maxMessage  = 4 << 10
)

// suite runs the cases of a conformance suite one after the other, outside
// go test, and tells of each as it ends.
type suite struct {
	suiteCase // the suite itself, which can fail before any case does
	only      *regexp.Regexp
	tell      func(caseResult)
	counts    map[outcome]int
}

var _ conformance.Runner[*suite] = (*suite)(nil)

func newSuite(ctx context.Context, only *regexp.Regexp, tell func(caseResult)) *suite {
	return &suite{suiteCase: suiteCase{ctx: ctx}, only: only, tell: tell, counts: map[outcome]int{}}
}

// Parallel changes nothing: a stranger's store may have room for one case only.
func (s *suite) Parallel() {}

// Run runs a case to its end, whichever way it ends.
func (s *suite) Run(name string, run func(*suite)) bool {
	if s.ctx.Err() != nil || s.only != nil && !s.only.MatchString(name) {
		return true
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	c := &suite{suiteCase: suiteCase{ctx: ctx}, only: s.only, tell: s.tell, counts: s.counts}
	done := make(chan struct{})
	go func() { // of its own, for Fatal ends it
		defer close(done)
		defer c.cleanUp(cancel)
		defer c.caught()
		run(c)
	}()
	<-done
	if s.ctx.Err() != nil {
		return false // whatever it says, it was interrupted
	}
	s.counts[c.outcome()]++
	s.tell(caseResult{Name: name, Outcome: c.outcome(), Seconds: time.Since(began).Seconds(), Messages: c.messages})
	return c.outcome() != failed
}

// suiteCase is a case under way. Its goroutines may all speak at once.
type suiteCase struct {
	ctx context.Context //nolint:containedctx // a case lives as long as its context

	mu       sync.Mutex
	messages []string
	bad      bool
	left     bool // by Skip
	cleanups []func()
}

func (c *suiteCase) outcome() outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.bad:
		return failed
	case c.left:
		return skipped
	}
	return passed
}

// cleanUp runs what Cleanup was given, the last first.
func (c *suiteCase) cleanUp(cancel context.CancelFunc) {
	cancel()
	for len(c.cleanups) > 0 {
		last := c.cleanups[len(c.cleanups)-1]
		c.cleanups = c.cleanups[:len(c.cleanups)-1]
		func() {
			defer c.caught()
			last()
		}()
	}
}

// caught makes a panic a failure of the case.
func (c *suiteCase) caught() {
	if p := recover(); p != nil {
		c.Errorf("panic: %v", p)
	}
}

func (c *suiteCase) say(text string, bad, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bad, c.left = c.bad || bad, c.left || left
	if len(c.messages) < maxMessages {
		if len(text) > maxMessage {
			text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
		}
		c.messages = append(c.messages, text)
	}
}

// What follows is conformance.T.

// Helper does nothing: no lines are told.
func (c *suiteCase) Helper() {}

// Context ends with the case.
func (c *suiteCase) Context() context.Context { return c.ctx }

// Cleanup runs f when the case has ended.
func (c *suiteCase) Cleanup(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cleanups = append(c.cleanups, f)
}

// Error fails the case and lets it go on.
func (c *suiteCase) Error(args ...any) {
	c.say(strings.TrimSuffix(fmt.Sprintln(args...), "\n"), true, false)
}

// Errorf fails the case and lets it go on.
func (c *suiteCase) Errorf(format string, args ...any) {
	c.say(fmt.Sprintf(format, args...), true, false)
}

// Fatal fails the case and ends it.
func (c *suiteCase) Fatal(args ...any) {
	c.Error(args...)
	runtime.Goexit()
}

// Fatalf fails the case and ends it.
func (c *suiteCase) Fatalf(format string, args ...any) {
	c.Errorf(format, args...)
	runtime.Goexit()
}

// Skip ends the case, which has nothing to say of this plugin.
func (c *suiteCase) Skip(args ...any) {
	c.say(strings.TrimSuffix(fmt.Sprintln(args...), "\n"), false, true)
	runtime.Goexit()
}
