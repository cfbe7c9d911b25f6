package site

import (
	"errors"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/sovereignty"
	sdkconfig "github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func TestPlaced(t *testing.T) {
	t.Parallel()
	remote := wire.About{Schema: sdkconfig.Schema{{Name: "url", Endpoint: true}, {Name: "path"}}}
	for name, tc := range map[string]struct {
		policy  string
		entry   config.Plugin
		about   wire.About
		refused string
		want    Placed
	}{
		"a folder": {"eu", config.Plugin{"plugin": "fs", "path": "/x"}, wire.About{}, "", Placed{}},
		"in the table": {
			"eu", config.Plugin{"plugin": "far", "url": "https://b.fsn1.your-objectstorage.com:443/x"}, remote, "",
			Placed{Place: sovereignty.Place{Host: "b.fsn1.your-objectstorage.com", Class: sovereignty.EU}},
		},
		"a host alone": {
			"eu", config.Plugin{"plugin": "far", "url": "s3.pub1.infomaniak.cloud:443"}, remote, "",
			Placed{Place: sovereignty.Place{Host: "s3.pub1.infomaniak.cloud", Class: sovereignty.Adequate}},
		},
		"refused": {"eu", config.Plugin{"plugin": "far", "url": "https://s3.eu-central-1.amazonaws.com"}, remote, "CLOUD Act", Placed{}},
		"overridden": {
			"eu", config.Plugin{"plugin": "far", "url": "https://s3.eu-central-1.amazonaws.com", "override": "a test, decided by nobody"}, remote, "",
			Placed{Place: sovereignty.Place{Host: "s3.eu-central-1.amazonaws.com", Class: sovereignty.Foreign}, Override: "a test, decided by nobody"},
		},
		"own host": {"eu", config.Plugin{"plugin": "far", "url": "http://10.0.0.7:3900"}, remote, "country: DE", Placed{}},
		"declared": {
			"eu", config.Plugin{"plugin": "far", "url": "http://10.0.0.7:3900", "country": "it", "provider": "self"}, remote, "",
			Placed{Place: sovereignty.Place{Host: "10.0.0.7", Class: sovereignty.EU, Declared: true}},
		},
		"declared away":  {"eu", config.Plugin{"plugin": "far", "url": "https://s3.amazonaws.com", "country": "DE"}, remote, "cannot be declared", Placed{}},
		"no endpoint":    {"eu", config.Plugin{"plugin": "stranger", "path": "/x"}, wire.About{}, "plugin stranger", Placed{}},
		"stranger's":     {"eu", config.Plugin{"plugin": "stranger", "country": "FR"}, wire.About{}, "", Placed{Place: sovereignty.Place{Host: "plugin stranger", Class: sovereignty.EU, Declared: true}}},
		"other country":  {"DE", config.Plugin{"plugin": "far", "url": "https://s3.gra.io.cloud.ovh.net"}, remote, "not one of DE", Placed{}},
		"anywhere":       {"any", config.Plugin{"plugin": "far", "url": "https://s3.amazonaws.com"}, remote, "", Placed{Place: sovereignty.Place{Host: "s3.amazonaws.com", Class: sovereignty.Foreign}}},
		"no host at all": {"eu", config.Plugin{"plugin": "far", "url": "https:// nowhere"}, remote, "not the name of a host", Placed{}},
	} {
		w := New(&Env{}, &Globals{}, &config.Config{Archive: config.Archive{Sovereignty: tc.policy, Storage: []config.Plugin{tc.entry}}})
		at, err := w.placed(t.Context(), tc.entry, tc.about, tc.entry.Settings())
		var misused usageError
		switch {
		case tc.refused != "":
			if !errors.As(err, &misused) || !strings.Contains(err.Error(), tc.refused) {
				t.Errorf("%s: %+v, %v, want %q", name, at, err, tc.refused)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", name, err)
			continue
		case tc.want.Class == "":
			if at != nil {
				t.Errorf("%s: %+v, want none", name, at)
			}
			continue
		}
		if at.Host != tc.want.Host || at.Class != tc.want.Class || at.Override != tc.want.Override || at.Declared != tc.want.Declared {
			t.Errorf("%s: %+v, want %+v", name, at, tc.want)
		}
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	entries := []config.Plugin{{"name": "b", "plugin": "far", "url": "https://s3.eu-central-1.amazonaws.com", "override": "<ok> & é"}, {"name": "a", "plugin": "far", "url": "fsn1.your-objectstorage.com"}, {"name": "c", "plugin": "fs"}}
	w := New(&Env{}, &Globals{}, &config.Config{Archive: config.Archive{Sovereignty: "eu", Storage: entries}})
	if got, err := w.Statements(); err != nil || got != nil {
		t.Errorf("nothing is open: %v, %v", got, err)
	}
	about := wire.About{Schema: sdkconfig.Schema{{Name: "url", Endpoint: true}}}
	for i, p := range entries {
		if i == 2 {
			about = wire.About{}
		}
		for range 2 { // and again, at a restart
			if err := w.admit(t.Context(), p)(about, p.Settings()); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := w.Statements()
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	want := `{"stores":[{"class":"foreign","company":"Amazon Web Services, Inc.","host":"s3.eu-central-1.amazonaws.com","law":"US","name":"b","override":"<ok> & é","plugin":"far","policy":"eu","provider":"aws"},` +
		`{"class":"eu","company":"Hetzner Online GmbH","host":"fsn1.your-objectstorage.com","law":"DE","location":"DE","name":"a","plugin":"far","policy":"eu","provider":"hetzner"}]}`
	if string(got[0].Value) != want {
		t.Errorf("got  %s\nwant %s", got[0].Value, want)
	}
}
