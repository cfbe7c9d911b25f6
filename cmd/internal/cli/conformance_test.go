package cli

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSuiteEndsCasesAsGoTestDoes: Fatal and Skip end a case, Error does not;
// a panic is a failure; what was given to Cleanup runs whichever way.
func TestSuiteEndsCasesAsGoTestDoes(t *testing.T) {
	t.Parallel()
	var told []string
	run := newSuite(t.Context(), nil, func(r caseResult) {
		told = append(told, r.Name+" "+string(r.Outcome)+": "+strings.Join(r.Messages, ", "))
	})
	var cleaned []string
	clean := func(s *suite, name string) {
		s.Cleanup(func() { cleaned = append(cleaned, name) })
	}
	run.Run("Fine", func(s *suite) { clean(s, "first"); clean(s, "second") })
	run.Run("Error", func(s *suite) { s.Error("a", 1); s.Errorf("b%d", 2) })
	run.Run("Fatal", func(s *suite) { clean(s, "fatal"); s.Fatal("the end"); s.Error("never") })
	run.Run("Fatalf", func(s *suite) { s.Fatalf("the %s", "end"); s.Error("never") })
	run.Run("Skip", func(s *suite) { s.Skip("not here"); s.Error("never") })
	run.Run("Panic", func(s *suite) { clean(s, "panic"); panic("oh") })
	run.Run("Late", func(s *suite) { s.Cleanup(func() { s.Fatal("at the end") }) })
	run.Run("Many", func(s *suite) {
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { s.Error(strings.Repeat("x", 2*maxMessage)) })
		}
		wg.Wait()
		if n := len(s.messages); n != maxMessages || len(s.messages[0]) > maxMessage+3 {
			panic("messages are not bounded")
		}
		s.messages = nil
	})
	want := []string{
		"Fine ok: ", "Error FAIL: a 1, b2", "Fatal FAIL: the end", "Fatalf FAIL: the end", "Skip skip: not here",
		"Panic FAIL: panic: oh", "Late FAIL: at the end", "Many FAIL: ",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"second", "first", "fatal", "panic"}, cleaned); diff != "" {
		t.Error(diff)
	}
	if run.counts[passed] != 1 || run.counts[failed] != 6 || run.counts[skipped] != 1 {
		t.Errorf("counted %v", run.counts)
	}
}

func TestSuiteIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	run := newSuite(ctx, regexp.MustCompile("^[AB]"), func(caseResult) { told++ })
	run.Run("Away", func(s *suite) {
		if err := s.Context().Err(); err != nil {
			s.Error(err)
		}
		cancel()
		<-s.Context().Done()
	})
	ran := false
	run.Run("Beyond", func(*suite) { ran = true })
	if told != 0 || ran {
		t.Errorf("%d cases told, ran %v behind the interrupt", told, ran)
	}
	run = newSuite(t.Context(), regexp.MustCompile("^A$"), func(caseResult) { told++ })
	run.Run("A", func(*suite) {})
	run.Run("B", func(s *suite) { s.Error("was not asked for") })
	if told != 1 || run.counts[failed] != 0 {
		t.Errorf("%d cases told, counted %v", told, run.counts)
	}
}
