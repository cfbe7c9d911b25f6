package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Bucket is a budget as a database keeps it, in Unix microseconds.
type Bucket struct {
	Whole int64 // Budget.Admit's state
	Shut  int64 // nothing is admitted before
}

// Budgets returns them by key, the order in which they are locked, and refuses
// those that cannot be kept.
func Budgets(budgets []catalog.Budget) ([]catalog.Budget, error) {
	sorted := slices.Clone(budgets)
	slices.SortFunc(sorted, func(a, b catalog.Budget) int { return cmp.Compare(a.Key, b.Key) })
	for i, b := range sorted {
		if err := b.Check(); err != nil {
			return nil, err
		}
		if i > 0 && sorted[i-1].Key == b.Key {
			return nil, fmt.Errorf("budget %.80q is asked for twice", b.Key)
		}
	}
	return sorted, nil
}

// Admit asks all of the budgets, or none: with a wait, next is nil.
func Admit(budgets []catalog.Budget, buckets []Bucket, now time.Time) (next []int64, wait time.Duration) {
	for i, b := range budgets {
		whole, w := b.Admit(buckets[i].Whole, now)
		if shut := time.Duration(buckets[i].Shut-now.UnixMicro()) * time.Microsecond; shut > w {
			w = shut
		}
		wait = max(wait, w)
		next = append(next, whole)
	}
	if wait > 0 {
		return nil, wait
	}
	return next, 0
}

// ShutUntil is the instant d from now, in Unix microseconds, rounded up.
func ShutUntil(now time.Time, d time.Duration) int64 {
	return now.UnixMicro() + int64((d+time.Microsecond-1)/time.Microsecond)
}
