package sovereignty

import (
	"errors"
	"strings"
	"testing"
)

func TestAliased(t *testing.T) {
	t.Parallel()
	own := Declaration{Provider: "self", Country: "DE"}
	for name, tc := range map[string]struct {
		policy, host string
		declared     Declaration
		canonical    string
		refused      string // what the reason says, "" if let through
		notice       string
		law          string // of the place
	}{
		"a company's that is refused":  {"eu", "s3.example.eu", own, "s3.eu-central-1.amazonaws.com.", "CLOUD Act", "", "US"},
		"by a list of countries":       {"DE", "s3.example.eu", own, "s3.gra.io.cloud.ovh.net.", "not one of DE", "", "FR"},
		"declared as the company's":    {"eu", "s3.example.eu", Declaration{Provider: "aws", Country: "DE"}, "s3.amazonaws.com.", "CLOUD Act", "", "US"},
		"of a provider in the table":   {"eu", "s3.gra.io.cloud.ovh.net", Declaration{}, "x.r2.cloudflarestorage.com.", "whose logs these are", "", "US"},
		"in a country that is refused": {"eu", "s3.gra.io.cloud.ovh.net", Declaration{}, "s3.bhs.io.cloud.ovh.net.", "objects in CA", "", "FR"},
		"one that is let through":      {"eu", "s3.example.eu", own, "fsn1.your-objectstorage.com.", "", "", "DE"},
		"one with a notice":            {"eu", "s3.example.eu", own, "s3.pub1.infomaniak.cloud.", "", "is an alias of another host: s3.pub1.infomaniak.cloud", "DE"},
		"the same company's":           {"eu", "s3.pub1.infomaniak.cloud", Declaration{}, "lb.pub1.infomaniak.cloud.", "", "", "CH"},
		"itself":                       {"eu", "s3.example.eu", own, "s3.example.eu.", "", "", "DE"},
		"a name nobody knows":          {"eu", "s3.example.eu", own, "lb7.example.net.", "", "", "DE"},
		"no name":                      {"eu", "s3.example.eu", own, "\x00", "", "", "DE"},
		"anywhere":                     {"any", "s3.example.eu", own, "s3.amazonaws.com.", "", "", "DE"},
	} {
		p, err := ParsePolicy(tc.policy)
		if err != nil {
			t.Fatal(err)
		}
		at, err := Lookup(tc.host)
		if err != nil {
			t.Fatal(err)
		}
		if at, err = at.Declare(tc.declared); err != nil {
			t.Fatal(err)
		}
		place, notice, err := p.Aliased(at, tc.canonical)
		switch {
		case tc.refused == "" && err != nil,
			tc.refused != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), tc.refused) || !strings.HasPrefix(err.Error(), tc.host+" is an alias")):
			t.Errorf("%s: %v, want %q", name, err, tc.refused)
		case !strings.Contains(notice, tc.notice) || tc.notice == "" && notice != "":
			t.Errorf("%s: notice %q, want %q", name, notice, tc.notice)
		case place.Host != tc.host || place.Law != tc.law:
			t.Errorf("%s: %+v, want %s under the law of %s", name, place, tc.host, tc.law)
		}
	}
}
