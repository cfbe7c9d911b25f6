package server

import "sync"

// slots bound what takes long: all of it together, and one customer's, so that
// none keeps the others out.
type slots struct {
	all, each int

	mu sync.Mutex // guards the counts
	n  int
	of map[string]int
}

func newSlots(all, each int) *slots { return &slots{all: all, each: each, of: map[string]int{}} }

// take returns what gives the slot back, nil if there is none.
func (s *slots) take(customer string) (give func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n >= s.all || s.of[customer] >= s.each {
		return nil
	}
	s.n++
	s.of[customer]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.n--
		if s.of[customer]--; s.of[customer] == 0 {
			delete(s.of, customer)
		}
	})
}
