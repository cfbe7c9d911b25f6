package histogram_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/component/histogram"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func ok(n int64) histogram.Bucket { return histogram.Bucket{Counts: [6]int64{2: n}} }

func TestView(t *testing.T) {
	t.Parallel()
	h := &histogram.Histogram{Cursor: -1, Buckets: []histogram.Bucket{
		ok(800), ok(400), {}, {State: histogram.Gap}, ok(1), {Counts: [6]int64{2: 100, 5: 100}}, {State: histogram.Pending},
	}}
	for _, c := range []struct {
		ascii bool
		want  string
	}{
		// The second bar is half of the first: twelve eighths of twenty-four.
		{false, "█       \n█▄      \n██  ▁5  \n───▼──◌─"},
		{true, "#       \n#-      \n##  .5  \n---!--~-"},
	} {
		got := ansi.Strip(h.View(theme.New(theme.Options{Plain: true, ASCII: c.ascii}), 8, 4))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("ASCII %t: -want +got:\n%s", c.ascii, diff)
		}
	}
}

// TestValues: the rarest at the bottom, all others on top; told by colour, or by their numbers.
func TestValues(t *testing.T) {
	t.Parallel()
	h := &histogram.Histogram{Cursor: -1, Values: true, Buckets: []histogram.Bucket{{Counts: [6]int64{0: 100, 1: 100, 2: 100, 5: 100}}, {Counts: [6]int64{1: 3}}}}
	for _, c := range []struct {
		ascii bool
		want  string
	}{{false, "· \n█ \n2 \n5▁\n──"}, {true, ". \n# \n2 \n5.\n--"}} {
		got := ansi.Strip(h.View(theme.New(theme.Options{Plain: true, ASCII: c.ascii}), 2, 5))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("ASCII %t: -want +got:\n%s", c.ascii, diff)
		}
	}
	th := theme.New(theme.Options{Dark: true})
	lines := strings.Split(h.View(th, 1, 5), "\n")
	for i, part := range []int{0, 1, 2, 5} {
		if want := th.Parts[part].Render("█"); lines[i] != want {
			t.Errorf("line %d: %q, want %q", i, lines[i], want)
		}
	}
}

// TestOneErrorIsSeen: a single 5xx under a million successes colours the foot of its bar.
func TestOneErrorIsSeen(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Dark: true})
	h := &histogram.Histogram{Cursor: -1, Buckets: []histogram.Bucket{{Counts: [6]int64{2: 1_000_000, 5: 1}}}}
	lines := strings.Split(h.View(th, 1, 5), "\n")
	if lines[3] != th.Status[5].Render("█") || lines[2] != th.Status[2].Render("█") {
		t.Errorf("%q", lines)
	}
}
