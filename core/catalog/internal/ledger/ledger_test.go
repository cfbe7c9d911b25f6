package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
)

// The adapters' suite covers the rules over rows; here are those that need none.

func TestBudgetsInOrder(t *testing.T) {
	t.Parallel()
	hourly := func(key string) catalog.Budget { return catalog.Budget{Key: key, Limit: 5, Per: time.Hour} }
	given := []catalog.Budget{hourly("b"), hourly("a"), hourly("C")}
	sorted, err := ledger.Budgets(given)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]catalog.Budget{hourly("C"), hourly("a"), hourly("b")}, sorted); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if given[0].Key != "b" {
		t.Error("the caller's list was sorted")
	}
	if _, err := ledger.Budgets([]catalog.Budget{hourly("a"), hourly("b"), hourly("a")}); err == nil {
		t.Error("a budget is asked for twice")
	}
}

func TestAdmitAllOrNone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	budgets := []catalog.Budget{{Key: "a", Limit: 5, Per: time.Hour}, {Key: "b", Limit: 5, Per: time.Hour}}
	fresh := make([]ledger.Bucket, 2)
	next, wait := ledger.Admit(budgets, fresh, now)
	if wait != 0 || len(next) != 2 {
		t.Fatalf("next %v, wait %s", next, wait)
	}
	spent := []ledger.Bucket{{}, {Whole: next[1]}}
	if next, wait := ledger.Admit(budgets, spent, now); next != nil || wait <= 0 || wait > 13*time.Minute {
		t.Errorf("next %v, wait %s", next, wait)
	}
	shut := []ledger.Bucket{{Shut: ledger.ShutUntil(now, time.Hour)}, {Whole: next[1]}}
	if next, wait := ledger.Admit(budgets, shut, now); next != nil || wait != time.Hour {
		t.Errorf("next %v, wait %s, want the longest, an hour", next, wait)
	}
	if _, wait := ledger.Admit(budgets, shut, now.Add(time.Hour)); wait != 0 {
		t.Errorf("wait is %s after the rest", wait)
	}
}
