package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
)

// asBench makes the test binary the program, for the processes that it starts.
const asBench = "RAINLOGS_TEST_AS_BENCH"

func TestMain(m *testing.M) {
	if os.Getenv(asBench) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestBench runs all of it over little: that it measures, and that each answer
// is DuckDB's, which it compares by itself.
func TestBench(t *testing.T) {
	t.Setenv(asBench, "1")
	var out bytes.Buffer
	if err := run(context.Background(), []string{"-per-day", "2000", "-hours", "40", "-runs", "1", "-dir", t.TempDir()}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{
		"24 objects", "DuckDB read_json, columns detected", "first query, no columns yet", "columns built",
		"DuckDB over the same columns: one RayID", "status by hour", "one hour of it, the dataset opened for it", "totals and days from tallies",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if lines := regexp.MustCompile(`(?m) [1-9][0-9.]* (ms|s) wall`).FindAllString(out.String(), -1); len(lines) < 20 {
		t.Errorf("%d lines have a time in\n%s", len(lines), &out)
	}
}

func TestWrongAnswersAreNoticed(t *testing.T) {
	t.Parallel()
	if err := same("count", cost{Answer: "1\n"}, cost{Answer: "2\n"}); err == nil {
		t.Error("two answers are the same")
	}
}
