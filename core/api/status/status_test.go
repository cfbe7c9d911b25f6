package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// window begins and ends some minutes after noon.
func window(from, to int, state catalog.State, lines int64, object catalog.ObjectState) catalog.Window {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	return catalog.Window{Window: evidence.Window{Start: at(from), End: at(to)}, State: state, Lines: lines, Object: object}
}

func TestHours(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows  []catalog.Window
		since int // minutes after noon
		want  string
	}{
		"nothing at all":            {nil, 600, "    "},
		"nothing collected":         {nil, 0, "??  "},
		"from the second hour on":   {nil, 60, " ?  "},
		"sealed":                    {[]catalog.Window{window(0, 60, catalog.Sealed, 9, catalog.Kept), window(60, 120, catalog.Sealed, 0, catalog.Kept)}, 0, "■·  "},
		"lines win over none":       {[]catalog.Window{window(0, 30, catalog.Sealed, 0, catalog.Kept), window(30, 60, catalog.Sealed, 1, catalog.Kept)}, 0, "■?  "},
		"half an hour is missing":   {[]catalog.Window{window(30, 120, catalog.Sealed, 9, catalog.Kept)}, 0, "?■  "},
		"the zone begins there":     {[]catalog.Window{window(30, 120, catalog.Sealed, 9, catalog.Kept)}, 30, "■■  "},
		"expired":                   {[]catalog.Window{window(0, 60, catalog.Sealed, 9, catalog.Removed), window(60, 120, catalog.Sealed, 9, catalog.Expiring)}, 0, "--  "},
		"pending, at work, waiting": {[]catalog.Window{window(0, 60, catalog.Planned, 0, ""), window(60, 120, catalog.Pulling, 0, ""), window(120, 180, catalog.Retrying, 0, ""), window(180, 240, catalog.Blocked, 0, "")}, 0, "◌◌◌!"},
		"a gap is the worst":        {[]catalog.Window{window(0, 20, catalog.Sealed, 9, catalog.Kept), window(20, 40, catalog.Lost, 0, ""), window(40, 60, catalog.Blocked, 0, "")}, 0, "✗?  "},
		"over several hours":        {[]catalog.Window{window(-90, 150, catalog.Lost, 0, "")}, -90, "✗✗✗ "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			// It is three hours past noon.
			for _, h := range Hours(c.rows, noon, 4, noon.Add(time.Duration(c.since)*time.Minute), noon.Add(180*time.Minute)) {
				glyph := h.Cell.Glyph()
				if glyph == "" {
					glyph = " "
				}
				got += glyph
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	from := noon.Truncate(24 * time.Hour)
	days := Days(Hours([]catalog.Window{window(0, 5, catalog.Sealed, 7, ""), window(24*60, 24*60+5, catalog.Sealed, 8, ""), window(24*60+5, 24*60+10, catalog.Sealed, 9, "")}, from, 48, from, from))
	if len(days) != 2 || days[0].Lines != 17 || days[1].Lines != 7 || days[1].Hours[12].Windows != 1 || !days[0].Date.Equal(from.Add(24*time.Hour)) {
		t.Errorf("days are %+v", days)
	}
}

// What a browser would obey, or not show, is shown.
func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"example.com": "example.com", "Müller & Söhne <日本>": "Müller & Söhne <日本>", "a\u202eb": `a\u202eb`, "\x1b[2J\x00": `\u001b[2J\u0000`,
		"a\u200bb\u2066\ufeff": `a\u200bb\u2066\ufeff`, "\xff": "\ufffd", "\u3164": `\u3164`, "a\nb": `a\u000ab`,
		strings.Repeat("é", 400): strings.Repeat("é", 300) + "…",
	} {
		if diff := cmp.Diff(want, Text(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

// Each cell has a name and a glyph of its own.
func TestCells(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for c := Outside; c <= Gap; c++ {
		if seen[c.Glyph()] || seen[c.String()] || c != Outside && c.Glyph() == "" {
			t.Errorf("%v is like another", c)
		}
		seen[c.Glyph()], seen[c.String()] = true, true
		if c != Outside && !strings.Contains(string(Style), "."+c.String()) {
			t.Errorf("the style sheet lacks %v", c)
		}
	}
	if len(Cells()) != int(Gap) {
		t.Error("the legend lacks some")
	}
}

// Every page is made of whatever it is given, and says nothing that it was not.
func TestRender(t *testing.T) {
	t.Parallel()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	const hostile = `"><script src=//evil.example></script>` + "\u202e"
	zone := Zone{ID: hostile, Name: hostile, Dataset: hostile, State: hostile, Detail: hostile, Hours: Hours(nil, noon, 24, noon, noon)}
	frame := Frame{Customer: hostile, Role: hostile, At: noon}
	for _, v := range []View{
		SignIn{Refused: true, Cookieless: true}, Sorry{hostile, hostile, hostile},
		Overview{Frame: frame, Attention: []Zone{zone}, Zones: []Zone{zone}, Find: hostile, Page: 2, Pages: 3},
		Detail{
			Frame: frame, Zone: zone, Days: Days(zone.Hours), Chain: Chain{Size: 1, LastHash: hostile, Trouble: hostile, Findings: 1},
			Jobs: []Jobs{{Title: "Lost", List: []Job{{Reason: hostile, Detail: hostile}}}},
		},
	} {
		page, err := r.Render(v)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(page); strings.Contains(s, "<script") || strings.Contains(s, "\u202e") || !strings.HasSuffix(strings.TrimSpace(s), "</html>") {
			t.Errorf("%T:\n%s", v, s)
		}
	}
}
