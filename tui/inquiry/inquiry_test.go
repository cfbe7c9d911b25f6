package inquiry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]inquiry.Filter{
		"ClientIP=192.0.2.1":         {Field: "ClientIP", Op: inquiry.Is, Value: "192.0.2.1"},
		"ClientIP = 192.0.2.1 ":      {Field: "ClientIP", Op: inquiry.Is, Value: "192.0.2.1"},
		"A!=":                        {Field: "A", Op: inquiry.Differs},
		"A=x=y":                      {Field: "A", Op: inquiry.Is, Value: "x=y"},
		"Path*=wp-login":             {Field: "Path", Op: inquiry.Contains, Value: "wp-login"},
		"Path !*= a b":               {Field: "Path", Op: inquiry.Lacks, Value: "a b"},
		"Path~^/a.*$":                {Field: "Path", Op: inquiry.Like, Value: "^/a.*$"},
		"Path!~x":                    {Field: "Path", Op: inquiry.Unlike, Value: "x"},
		"Status>=500":                {Field: "Status", Op: inquiry.AtLeast, Value: "500"},
		"Status<600":                 {Field: "Status", Op: inquiry.Less, Value: "600"},
		"ClientIP in 2001:db8::/32":  {Field: "ClientIP", Op: inquiry.Inside, Value: "2001:db8::/32"},
		"ClientIP !in 10.0.0.0/8":    {Field: "ClientIP", Op: inquiry.Outside, Value: "10.0.0.0/8"},
		"Cookies absent":             {Field: "Cookies", Op: inquiry.Absent},
		"Cookies  present":           {Field: "Cookies", Op: inquiry.Present},
		"  Field_9 = value with = ~": {Field: "Field_9", Op: inquiry.Is, Value: "value with = ~"},
	} {
		got, err := inquiry.ParseFilter(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
			continue
		}
		if again, err := inquiry.ParseFilter(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which is read as %+v, %v", text, got, again, err)
		}
		if back := got.Not().Not(); back != got {
			t.Errorf("not not %s is %s", got, back)
		}
	}
	for _, text := range []string{"", "=", "A", "A ", "A absent x", "A in nowhere", "A in", "A~(", "A>=", "A*=", "ä=1", "; drop=1"} {
		if f, err := inquiry.ParseFilter(text); !errors.Is(err, inquiry.ErrFilter) {
			t.Errorf("%q is read as %+v, %v", text, f, err)
		}
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	a, b := inquiry.Filter{Field: "a", Op: inquiry.Is, Value: "1"}, inquiry.Filter{Field: "b", Op: inquiry.Like, Value: "x"}
	v := inquiry.View{Dataset: "http_requests", From: time.Unix(1, 0), To: time.Unix(2, 0)}
	both := v.With(a).With(b)
	if diff := cmp.Diff([]inquiry.Filter{b, a.Not()}, both.With(a.Not()).Filters); diff != "" {
		t.Errorf("the opposite of a filter stands beside it: %s", diff)
	}
	if diff := cmp.Diff([]inquiry.Filter{b, a}, both.With(a).Filters); diff != "" {
		t.Errorf("a filter stands there twice: %s", diff)
	}
	if !both.Without(1).Equal(v.With(a)) || both.Equal(v) || len(both.Filters) != 2 {
		t.Error("views that differ are equal, or one was changed")
	}
}

func TestPermalink(t *testing.T) {
	t.Parallel()
	r := inquiry.Ref{Archive: "5f", Zone: "aa", Dataset: "http_requests", Seq: 12, Line: 3}
	if got, err := inquiry.ParseRef(r.Permalink()); err != nil || got != r {
		t.Errorf("%s is read as %+v, %v", r.Permalink(), got, err)
	}
	for _, link := range []string{"", "rainlogs://", "rainlogs://a/b/c/1/0", "rainlogs://a/b/c/-1/1", "rainlogs://a/b/c/01/1", "rainlogs://a/b/c/1/1/1",
		"rainlogs://a//c/1/1", "http://a/b/c/1/1", "rainlogs://a/b/c/1e3/1", "rainlogs://a/b/c/99999999999999999999/1", "rainlogs://a/b/c/1/1.0"} {
		if got, err := inquiry.ParseRef(link); err == nil {
			t.Errorf("%q is read as %+v", link, got)
		}
	}
}
