package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

func TestAPI(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "",
		"api: {listen: '0.0.0.0:1'}": "",
		"api: {registration: 'file:./t', tls_cert: c.pem, tls_key: k.pem, proxies: '10.0.0.0/8, ::1'}": "",
		"api: {registration: s3cret-in-the-open}":                                                      "api.registration: give it as env:NAME or file:PATH",
		"api: {tls_cert: c.pem}":                                          "give both or neither",
		"api: {requests_per_second: 0.5}":                                 "api.requests_per_second",
		"api: {requests_per_second: .nan}":                                "api.requests_per_second",
		"api: {proxies: '10.0.0.0/99'}":                                   "api.proxies",
		"api: {port: 1}":                                                  "unknown key",
		"api: {identity: AGE-SECRET-KEY-s3cret}":                          "api.identity: give it as env:NAME or file:PATH",
		"api: {acme: {domains: [logs.example.eu], email: a@b.eu}}":        "",
		"api: {acme: {domains: ['*.example.eu']}}":                        "api.acme.domains",
		"api: {acme: {domains: [127.0.0.1]}}":                             "api.acme.domains",
		"api: {acme: {domains: [localhost]}}":                             "api.acme.domains",
		"api: {acme: {domains: [Logs.example.eu]}}":                       "api.acme.domains",
		"api: {acme: {domains: [a.eu, a.eu]}}":                            "twice",
		"api: {acme: {domains: [a.eu], email: nobody}}":                   "api.acme.email",
		"api: {acme: {domains: [a.eu], cache: ''}}":                       "api.acme.cache",
		"api: {acme: {domains: [a.eu], directory: 'http://x/dir'}}":       "api.acme.directory",
		"api: {tls_cert: c.pem, tls_key: k.pem, acme: {domains: [a.eu]}}": "give one of them",
	} {
		c, err := config.Parse([]byte(good+text+"\n"), "/base", nil)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			} else if c.API.TLSCert != "" && (c.API.TLSCert != "/base/c.pem" || c.API.Registration != "file:/base/t") {
				t.Errorf("%q: paths %+v", text, c.API)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: error is %v, want %q", text, err, want)
		}
	}
}

// No source of the config's is called as a customer's own.
func TestSourceNames(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, "sources:\n", "sources:\n  customer/x/y: {plugin: logpull}\n", 1)
	if _, err := config.Parse([]byte(text), "/base", nil); text == good || err == nil || !strings.Contains(err.Error(), "has no /") {
		t.Errorf("error is %v", err)
	}
}

// A registration token opens to the world: a short one is refused, unrepeated.
func TestRegistrationToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	for text, ok := range map[string]bool{"short-s3cret": false, strings.Repeat("a", 24) + "\n": true} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := config.API{Registration: "file:" + path}.Token(os.Getenv)
		if (err == nil) != ok || ok && got != strings.TrimSpace(text) || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
