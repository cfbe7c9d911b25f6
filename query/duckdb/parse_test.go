package duckdb

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
)

func TestParse(t *testing.T) {
	t.Parallel()
	denied := map[string]bool{"bad": true, `b"d`: true}
	for sql, want := range map[string][]string{
		`SELECT 1`:                           {`SELECT 1`},
		`a;b`:                                {`a`, `b`},
		`a;;  ;b;`:                           {`a`, `b`},
		`';' ";" /* ; /* ; */ ; */ -- ;`:     {`';' ";" /* ; /* ; */ ; */ -- ;`},
		`$$;$$ $t$;$$;$t$ $1;b`:              {`$$;$$ $t$;$$;$t$ $1`, `b`},
		`E'\';' e'\\';b`:                     {`E'\';' e'\\'`, `b`},
		`name'x\';b'`:                        {`name'x\'`, `b'`},
		`'it''s;';b`:                         {`'it''s;'`, `b`},
		`"a"";";b`:                           {`"a"";"`, `b`},
		`SELECT $a;b`:                        {`SELECT $a`, `b`},
		`bad, 'bad(' "bad" bad.x(1) -- bad(`: {`bad, 'bad(' "bad" bad.x(1) -- bad(`},
		`notbad(1) bad1(2) bad$x(3)`:         {`notbad(1) bad1(2) bad$x(3)`},
	} {
		got, err := parse(sql, denied)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
	for _, sql := range []string{
		`bad()`, `BAD()`, `bad ()`, "bad\n\v\f(", `bad/**/()`, "bad -- x\n (", `"bad"()`, `"BaD" ()`, `main.bad()`, `main."bad"()`, `"b""d"()`, `x;bad()`, `1.bad()`,
	} {
		if _, err := parse(sql, denied); !errors.Is(err, query.ErrForbidden) {
			t.Errorf("%q: error %v", sql, err)
		}
	}
}

// FuzzParse: no panic, and nothing of the text is lost but separators and blanks.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`a;b`, `$$`, `E'\`, `"`, `/*/**/`, `--`, `$a$;$a`, `'';'`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		statements, err := parse(sql, nil)
		if err != nil {
			return
		}
		rest := sql
		for _, s := range statements {
			i := strings.Index(rest, s)
			if i < 0 {
				t.Fatalf("%q is not a part of %q", s, sql)
			}
			rest = rest[i+len(s):]
		}
	})
}
