package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		in, out, err string
	}{
		"all well": {
			in: `{"Action":"run","Package":"m/a","Test":"TestOne"}
{"Action":"output","Package":"m/a","Test":"TestOne","Output":"    chatter\n"}
{"Action":"pass","Package":"m/a","Test":"TestOne","Elapsed":0.1}
{"Action":"skip","Package":"m/a","Test":"TestTwo"}
{"Action":"pass","Package":"m/a","Elapsed":1.25}
{"Action":"skip","Package":"m/empty"}
`,
			out: "ok  \tm/a\t1.2s\n1 passed, 0 failed, 1 skipped\n",
		},
		"a failing test says why, a passing one nothing": {
			in: `{"Action":"output","Package":"m/a","Test":"TestOne","Output":"    chatter\n"}
{"Action":"pass","Package":"m/a","Test":"TestOne"}
{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"    x_test.go:3: not so\n"}
{"Action":"fail","Package":"m/a","Test":"TestTwo"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t0.1s\n"}
{"Action":"fail","Package":"m/a"}
`,
			out: "    x_test.go:3: not so\nFAIL\tm/a\t0.1s\n1 passed, 1 failed, 0 skipped\n",
			err: "1 tests failed, and 0 packages for other reasons",
		},
		"a package that does not build": {
			in: `{"ImportPath":"m/a","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"ImportPath":"m/a","Action":"build-fail"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a [build failed]\n"}
{"Action":"fail","Package":"m/a","FailedBuild":"m/a"}
{"Action":"pass","Package":"m/b","Test":"TestOne"}
`,
			out: "a.go:1: undefined: x\nFAIL\tm/a [build failed]\n1 passed, 0 failed, 0 skipped\n",
			err: "0 tests failed, and 1 packages for other reasons",
		},
		"words that are no event are passed on": {
			in:  "go: module lookup disabled\n",
			out: "go: module lookup disabled\n0 passed, 0 failed, 0 skipped\n",
			err: "no test passed",
		},
		"a line without end": {
			in:  strings.Repeat("x", maxLine+1),
			err: "read events: bufio.Scanner: token too long",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := run(strings.NewReader(c.in), &out)
			if diff := cmp.Diff(c.out, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.err {
				t.Errorf("error %q, not %q", got, c.err)
			}
		})
	}
}
