package site

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/sovereignty"
	sdkconfig "github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// TestAliasesAreJudged with a resolver of the test's own.
func TestAliasesAreJudged(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"s3.example.eu": "s3.eu-central-1.amazonaws.com.", "ch.example.eu": "s3.pub1.infomaniak.cloud.", "own.example.eu": "own.example.eu.",
	}
	about := wire.About{Schema: sdkconfig.Schema{{Name: "url", Endpoint: true}}}
	for name, tc := range map[string]struct {
		policy, host, override string
		refused, notice, note  string
		asked                  bool
		class                  sovereignty.Class
	}{
		"refused":       {policy: "eu", host: "s3.example.eu", refused: "CLOUD Act", asked: true},
		"with a port":   {policy: "eu", host: "https://s3.example.eu:8443", refused: "CLOUD Act", asked: true},
		"overridden":    {policy: "eu", host: "s3.example.eu", override: "a test", notice: "alias", asked: true, class: sovereignty.Foreign},
		"a notice":      {policy: "eu", host: "ch.example.eu", notice: "adequate", asked: true, class: sovereignty.EU},
		"no alias":      {policy: "eu", host: "own.example.eu", asked: true, class: sovereignty.EU},
		"unresolvable":  {policy: "eu", host: "gone.example.eu", note: "gone.example.eu is an alias of another host was not found out: no such host", asked: true, class: sovereignty.EU},
		"an address":    {policy: "eu", host: "10.0.0.7:3900", class: sovereignty.EU},
		"this machine":  {policy: "eu", host: "localhost:3900", class: sovereignty.EU},
		"anywhere":      {policy: "any", host: "s3.example.eu", class: sovereignty.EU},
		"other country": {policy: "DE", host: "ch.example.eu", refused: "not one of DE", asked: true},
	} {
		asked := false
		env := &Env{CanonicalName: func(ctx context.Context, host string) (string, error) {
			asked = true
			if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
				t.Errorf("%s: no deadline, or %v", name, ctx.Err())
			}
			if canonical, ok := names[host]; ok {
				return canonical, nil
			}
			return "", &net.DNSError{Err: "no such host", Name: host, Server: "192.0.2.1:53", IsNotFound: true}
		}}
		entry := config.Plugin{"plugin": "far", "url": tc.host, "country": "DE", "provider": "self"}
		if tc.override != "" {
			entry["override"] = tc.override
		}
		w := New(env, &Globals{}, &config.Config{Archive: config.Archive{Sovereignty: tc.policy, Storage: []config.Plugin{entry}}})
		ended, cancel := context.WithCancel(t.Context())
		cancel() // the call that started the plugin first, when it is started again
		at, err := w.placed(ended, entry, about, entry.Settings())
		if asked != tc.asked {
			t.Errorf("%s: asked is %v", name, asked)
		}
		if tc.refused != "" {
			if !errors.Is(err, sovereignty.ErrRefused) || !strings.Contains(err.Error(), tc.refused) || !strings.Contains(err.Error(), "override") {
				t.Errorf("%s: %v, want %q", name, err, tc.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if at.Class != tc.class || (at.Notice == "") != (tc.notice == "") || !strings.Contains(at.Notice, tc.notice) || (at.Note == "") != (tc.note == "") || !strings.Contains(at.Note, tc.note) {
			t.Errorf("%s: %+v", name, at)
		}
	}
}
