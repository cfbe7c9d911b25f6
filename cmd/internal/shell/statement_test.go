package shell

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want []string
		rest string
	}{
		{"SELECT 1; SELECT 2;", []string{"SELECT 1", "SELECT 2"}, ""},
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT ';'; x", []string{"SELECT ';'"}, " x"},
		{"SELECT 'it''s;';", []string{"SELECT 'it''s;'"}, ""},
		{"SELECT 'open;", nil, "SELECT 'open;"},
		{`SELECT ";" FROM "a;;`, nil, `SELECT ";" FROM "a;;`},
		{`SELECT E'\';';`, []string{`SELECT E'\';'`}, ""},
		{"SELECT 1 -- no; end\n;", []string{"SELECT 1 -- no; end"}, ""},
		{"SELECT /* ; /* ; */ ; */ 1;", []string{"SELECT /* ; /* ; */ ; */ 1"}, ""},
		{"SELECT /* ; /* ; */ ;", nil, "SELECT /* ; /* ; */ ;"},
		{"SELECT $$;$$, $a$;$$;$a$, $1;", []string{"SELECT $$;$$, $a$;$$;$a$, $1"}, ""},
		{"SELECT $a$ ; $b$;", nil, "SELECT $a$ ; $b$;"},
		{";; -- nothing\n;", nil, ""},
		{"SELECT '\xff;';", []string{"SELECT '\xff;'"}, ""},
	} {
		got, rest := split(test.text)
		if diff := cmp.Diff(test.want, got); diff != "" || rest != test.rest {
			t.Errorf("%q: rest %q, %s", test.text, rest, diff)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT 1 -- why */ not\nFROM logs": "SELECT 1 /* why * / not */ FROM logs",
		"SELECT '--'\n, 2":                  "SELECT '--' , 2",
		"SELECT 'a\nb'":                     "",
		".range -1h":                        ".range -1h",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	if got := remembered([]string{"SELECT 1", "SELECT\n2"}); got != "SELECT 1; SELECT 2;" {
		t.Errorf("remembered %q", got)
	}
}

// Whatever is typed: nothing is lost, and a statement never reaches into the next.
func FuzzSplit(f *testing.F) {
	f.Add("SELECT 'a;b'; -- c\n/* d */ $x$ ; $x$;")
	f.Fuzz(func(t *testing.T, text string) {
		statements, rest := split(text)
		if !strings.HasSuffix(text, rest) {
			t.Errorf("rest %q of %q", rest, text)
		}
		for _, s := range statements {
			if !strings.Contains(text, s) || blank(s) {
				t.Errorf("statement %q of %q", s, text)
			}
			if more, _ := split(s); len(more) > 0 {
				t.Errorf("statement %q of %q has statements %q", s, text, more)
			}
		}
		oneLine(text)
	})
}

func TestFields(t *testing.T) {
	t.Parallel()
	got, err := fields(`.range "2026-11-23 14:00"  '' now`)
	if diff := cmp.Diff([]string{".range", "2026-11-23 14:00", "", "now"}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := fields(`.read "x`); err == nil {
		t.Error("an open quote is taken")
	}
}
