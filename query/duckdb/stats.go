package duckdb

import (
	"slices"
	"sync"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// stats gathers what the readers of a request met.
type stats struct {
	mu       sync.Mutex
	sum      dataset.ScanStats
	unlisted map[string]bool
	err      error
	progress func(lines int64) // or nil
}

// maxUnlisted bounds the names that a provenance lists.
const maxUnlisted = 100

func newStats() *stats {
	return &stats{sum: dataset.ScanStats{Mistyped: map[string]int64{}}, unlisted: map[string]bool{}}
}

func (s *stats) add(lines, unreadable int64, mistyped map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Lines += lines
	if s.progress != nil {
		s.progress(s.sum.Lines)
	}
	s.sum.Unreadable += unreadable
	for name, n := range mistyped {
		s.sum.Mistyped[name] += n
	}
}

func (s *stats) addUnlisted(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unlisted) < maxUnlisted {
		s.unlisted[name] = true
	}
}

// fail keeps the first error: DuckDB passes on only its text.
func (s *stats) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	return err
}

func (s *stats) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *stats) snapshot() dataset.ScanStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.sum
	out.Mistyped = map[string]int64{}
	for name, n := range s.sum.Mistyped {
		out.Mistyped[name] = n
	}
	for name := range s.unlisted {
		out.Unlisted = append(out.Unlisted, name)
	}
	slices.Sort(out.Unlisted)
	return out
}
