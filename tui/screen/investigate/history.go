package investigate

import (
	"slices"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// tree is where the person has been: a view gone back from stays reachable
// when another way is taken.
type tree struct {
	nodes []node
	at    int
}

// node is a view that was looked at.
type node struct {
	view   inquiry.View
	parent int // -1 for the first
	last   int // the view to go forward to, -1 for none
	row    int64
	hist   histogramOf
}

// most is how many views are kept.
const mostViews = 200

// push goes on to a view, an earlier visit of which from here is taken up again.
func (t *tree) push(v inquiry.View) {
	if len(t.nodes) == 0 {
		t.nodes, t.at = []node{{view: v, parent: -1, last: -1}}, 0
		return
	}
	for i, n := range t.nodes {
		if n.parent == t.at && n.view.Equal(v) {
			t.nodes[t.at].last, t.at = i, i
			return
		}
	}
	if len(t.nodes) >= mostViews {
		t.prune()
	}
	t.nodes = append(t.nodes, node{view: v, parent: t.at, last: -1})
	t.nodes[t.at].last = len(t.nodes) - 1
	t.at = len(t.nodes) - 1
}

// prune keeps the way that led here, its older half forgotten.
func (t *tree) prune() {
	way := t.way()
	way = way[min(len(way)-1, len(way)/2):]
	var kept []node
	for i, at := range way {
		n := t.nodes[at]
		n.parent, n.last = i-1, i+1
		kept = append(kept, n)
	}
	kept[len(kept)-1].last = -1
	t.nodes, t.at = kept, len(kept)-1
}

// way is the views from the first to this one.
func (t *tree) way() []int {
	var out []int
	for i := t.at; i >= 0 && len(t.nodes) > 0; i = t.nodes[i].parent {
		out = append(out, i)
	}
	slices.Reverse(out)
	return out
}

// here is the view that is looked at, nil before the first.
func (t *tree) here() *node {
	if len(t.nodes) == 0 {
		return nil
	}
	return &t.nodes[t.at]
}

// back and forward walk; they report whether there was a step to take.
func (t *tree) back() bool {
	if len(t.nodes) == 0 || t.nodes[t.at].parent < 0 {
		return false
	}
	parent := t.nodes[t.at].parent
	t.nodes[parent].last, t.at = t.at, parent
	return true
}

func (t *tree) forward() bool {
	if len(t.nodes) == 0 || t.nodes[t.at].last < 0 {
		return false
	}
	t.at = t.nodes[t.at].last
	return true
}

// to goes to any view; the way to it is the one that forward goes.
func (t *tree) to(i int) {
	t.at = i
	for n := i; t.nodes[n].parent >= 0; n = t.nodes[n].parent {
		t.nodes[t.nodes[n].parent].last = n
	}
}

// depth is how far from the first view this one is, and how far the way goes on.
func (t *tree) depth() (here, ahead int) {
	here = len(t.way())
	for i := t.at; len(t.nodes) > 0 && t.nodes[i].last >= 0; i = t.nodes[i].last {
		ahead++
	}
	return here, here + ahead
}

// branched reports whether there are views beside the way.
func (t *tree) branched() bool {
	_, whole := t.depth()
	return len(t.nodes) > whole
}

// walk calls f for each view, the ones that were gone on to from it behind it.
func (t *tree) walk(f func(i, depth int)) {
	var visit func(i, depth int)
	visit = func(i, depth int) {
		f(i, depth)
		kids := 0
		for k := range t.nodes {
			if t.nodes[k].parent == i {
				kids++
			}
		}
		for k := range t.nodes {
			if t.nodes[k].parent == i {
				next := depth
				if kids > 1 { // a straight way is not indented
					next++
				}
				visit(k, next)
			}
		}
	}
	if len(t.nodes) > 0 {
		visit(0, 0)
	}
}
