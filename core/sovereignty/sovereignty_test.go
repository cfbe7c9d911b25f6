package sovereignty

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]struct {
		provider, law, location string
		class                   Class
	}{
		"fsn1.your-objectstorage.com":                  {"hetzner", "DE", "DE", EU},
		"evidence.HEL1.your-objectstorage.com.":        {"hetzner", "DE", "FI", EU},
		"fsn1.your-objectstorage.com:443":              {"hetzner", "DE", "DE", EU},
		"new9.your-objectstorage.com":                  {"hetzner", "DE", "", EU},
		"s3.gra.io.cloud.ovh.net":                      {"ovhcloud", "FR", "FR", EU},
		"s3.uk.io.cloud.ovh.net":                       {"ovhcloud", "FR", "GB", Adequate},
		"s3.bhs.io.cloud.ovh.net":                      {"ovhcloud", "FR", "CA", Foreign},
		"s3.us-east-va.io.cloud.ovh.us":                {"ovh-us", "US", "", Foreign},
		"s3.us-central-1.ionoscloud.com":               {"ionos", "DE", "US", Foreign},
		"sos-at-vie-1.exo.io":                          {"exoscale", "CH", "AT", Adequate},
		"s3.pub1.infomaniak.cloud":                     {"infomaniak", "CH", "CH", Adequate},
		"s3.eu-central-1.amazonaws.com":                {"aws", "US", "", Foreign},
		"b.s3.eusc-de-east-1.amazonaws.eu":             {"aws", "US", "", Foreign},
		"acc.eu.r2.cloudflarestorage.com":              {"cloudflare", "US", "", Foreign},
		"storage.googleapis.com":                       {"google", "US", "", Foreign},
		"amazonaws.com.evidence.example":               {"", "", "", Unknown},
		"notamazonaws.com":                             {"", "", "", Unknown},
		"xyour-objectstorage.com":                      {"", "", "", Unknown},
		"127.0.0.1:9000":                               {"", "", "", Unknown},
		"[::1]:9000":                                   {"", "", "", Unknown},
		"2001:db8::1":                                  {"", "", "", Unknown},
		"garage.keller":                                {"", "", "", Unknown},
		"s3.fr-par.scw.cloud":                          {"scaleway", "FR", "FR", EU},
		"us-east-1.storage.impossibleapi.net":          {"impossible", "DE", "US", Foreign},
		"BÜCHER.fsn1.your-objectstorage.com":           {"hetzner", "DE", "DE", EU},
		"s3.eu-west-1.amazonaws\uff0ecom":              {"aws", "US", "", Foreign}, // a full-width dot is a dot to the DNS
		"cloudgouv-eu-west-1.outscale.com":             {"outscale", "FR", "FR", EU},
		"oos.ap-northeast-1.outscale.com":              {"outscale", "FR", "JP", Foreign},
		"evidence.object.storage.eu01.onstackit.cloud": {"stackit", "DE", "DE", EU},
	} {
		p, err := Lookup(host)
		if err != nil || p.Provider != want.provider || p.Law != want.law || p.Location != want.location || p.Class != want.class {
			t.Errorf("%s: %+v, %v, want %+v", host, p, err, want)
		}
	}
	for _, host := range []string{"", ".", "a b", "exa_mple.com/x", "-"} {
		if p, err := Lookup(host); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %+v, %v, want ErrInvalid", host, p, err)
		}
	}
}

// TestTable holds the table to its own form: what is written twice or in the
// wrong form would be silently never found.
func TestTable(t *testing.T) {
	t.Parallel()
	seen, ids := map[string]string{}, map[string]bool{}
	for _, p := range providers {
		if ids[p.ID] || p.Company == "" || len(p.Law) != 2 || len(p.places) == 0 {
			t.Errorf("%s: %+v", p.ID, p)
		}
		ids[p.ID] = true
		for suffix, location := range p.places {
			if name, err := normal(suffix); err != nil || name != suffix || !strings.Contains(suffix, ".") {
				t.Errorf("%s: suffix %q: %v", p.ID, suffix, err)
			}
			if other := seen[suffix]; other != "" {
				t.Errorf("suffix %q is of %s and %s", suffix, other, p.ID)
			}
			seen[suffix] = p.ID
			if location != "" && len(location) != 2 {
				t.Errorf("%s: %q is in %q", p.ID, suffix, location)
			}
		}
		for _, region := range p.Regions {
			preset, err := PresetOf(p.ID, region)
			if err != nil {
				t.Errorf("%s %s: %v", p.ID, region, err)
				continue
			}
			u, err := url.Parse(preset.Endpoint)
			if err != nil || u.Scheme != "https" || preset.Region == "" {
				t.Errorf("%s %s: %+v, %v", p.ID, region, preset, err)
				continue
			}
			at, err := Lookup(u.Host)
			if err != nil || at.Provider != p.ID || at.Class == Foreign || at.Class == Unknown {
				t.Errorf("%s %s: its endpoint is found as %+v, %v", p.ID, region, at, err)
			}
		}
	}
	for _, want := range []string{"hetzner", "contabo", "ovhcloud", "scaleway", "ionos", "exoscale", "leaseweb", "otc", "aruba", "cubbit", "impossible", "infomaniak"} {
		if !strings.Contains(" "+strings.Join(Presets(), " ")+" ", " "+want+" ") {
			t.Errorf("no preset of %s among %v", want, Presets())
		}
	}
	for _, tc := range [][2]string{{"hetzner", "us-1"}, {"aws", "eu-central-1"}, {"nobody", "x"}, {"upcloud", "europe-1"}} {
		if p, err := PresetOf(tc[0], tc[1]); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %+v, %v", tc, p, err)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy, host string
		declared     Declaration
		refused      string // what the reason says, "" if let through
		notice       string
	}{
		{"", "fsn1.your-objectstorage.com", Declaration{}, "", ""},
		{"eu", "s3.pub1.infomaniak.cloud", Declaration{}, "", "Infomaniak"},
		{"eu", "s3.uk.io.cloud.ovh.net", Declaration{}, "", "objects in GB"},
		{"eu", "s3.eu-central-1.amazonaws.com", Declaration{}, "CLOUD Act", ""},
		{"eu", "acc.eu.r2.cloudflarestorage.com", Declaration{}, "whose logs these are", ""},
		{"eu", "s3.bhs.io.cloud.ovh.net", Declaration{}, "objects in CA", ""},
		{"eu", "oss-eu-central-1.aliyuncs.com", Declaration{}, "National Intelligence Law", ""},
		{"eu", "10.0.0.7:3900", Declaration{}, "nobody has said", ""},
		{"eu", "10.0.0.7:3900", Declaration{"self", "it"}, "", ""},
		{"eu", "10.0.0.7:3900", Declaration{"self", "CH"}, "", "CH"},
		{"eu", "minio.example.com", Declaration{"a friend", "US"}, "CLOUD Act", ""},
		{"any", "s3.eu-central-1.amazonaws.com", Declaration{}, "", ""},
		{"any", "10.0.0.7", Declaration{}, "", ""},
		{"[DE, FI]", "hel1.your-objectstorage.com", Declaration{}, "", ""},
		{"de,fr", "hel1.your-objectstorage.com", Declaration{}, "not one of DE,FR", ""},
		{"DE", "s3.gra.io.cloud.ovh.net", Declaration{}, "not one of DE", ""},
		{"CH", "s3.pub1.infomaniak.cloud", Declaration{}, "", ""},
		{"DE", "nowhere.example", Declaration{}, "nobody has said", ""},
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
		notice, err := p.Judge(at)
		switch {
		case tc.refused == "" && err != nil, tc.refused != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), tc.refused)):
			t.Errorf("%s, %s, %v: %v, want %q", tc.policy, tc.host, tc.declared, err, tc.refused)
		case !strings.Contains(notice, tc.notice) || tc.notice == "" && notice != "":
			t.Errorf("%s, %s, %v: notice %q, want %q", tc.policy, tc.host, tc.declared, notice, tc.notice)
		}
	}
	for _, s := range []string{"europe", "D3", "DE,", ",", "[]", "E U"} {
		if p, err := ParsePolicy(s); (err == nil) != (s == "DE,") {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
}

func TestDeclare(t *testing.T) {
	t.Parallel()
	aws, err := Lookup("s3.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := aws.Declare(Declaration{"self", "DE"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("what the table knows was declared away: %v", err)
	}
	own, err := Lookup("s3.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, country := range []string{"", "D", "DEU", "1E"} {
		if _, err := own.Declare(Declaration{"self", country}); !errors.Is(err, ErrInvalid) {
			t.Errorf("country %q: %v", country, err)
		}
	}
	own, err = own.Declare(Declaration{"self", "de"})
	if err != nil || own.Class != EU || !own.Declared || own.Law != "DE" {
		t.Errorf("%+v, %v", own, err)
	}
}
