package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/api/client"
)

func TestURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url      string
		insecure bool
		want     string // "": refused
	}{
		{"https://logs.example", false, "https://logs.example/"},
		{"https://logs.example:8443/", false, "https://logs.example:8443/"},
		{"http://127.0.0.1:80", false, "http://127.0.0.1:80/"},
		{"http://[::1]:80", false, "http://[::1]:80/"},
		{"http://localhost", false, "http://localhost/"},
		{"http://logs.example", true, "http://logs.example/"},
		{"http://logs.example", false, ""},
		{"http://127.0.0.1.example", false, ""},
		{"http://localhost.example", false, ""},
		{"http://2130706433", false, ""},
		{"https://who:secret@logs.example", false, ""},
		{"https://logs.example/v1", false, ""},
		{"https://logs.example?x", false, ""},
		{"https://logs.example#x", false, ""},
		{"ftp://logs.example", true, ""},
		{"logs.example", false, ""},
		{"https://", false, ""},
		{"https://:443", false, ""},
		{"", false, ""},
		{"https://%zz:secret@x", false, ""},
	} {
		got, err := client.CheckURL(c.url, c.insecure)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v, want %q", c.url, got, err, c.want)
		}
		if err != nil && (!errors.Is(err, client.ErrURL) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: %v", c.url, err)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	k := client.Key(key)
	b, _ := json.Marshal(struct{ K client.Key }{k})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k)
	text := fmt.Sprintf("%s %v %+v %#v %q ", k, k, client.Config{Key: k}, k, k) + string(b) + log.String()
	if strings.Contains(text, "secret") {
		t.Errorf("the key is in %s", text)
	}
	for _, bad := range []client.Key{"", "a b", "a\n", "ä"} {
		if _, err := client.New(client.Config{URL: "https://x", Key: bad}); err == nil || strings.Contains(err.Error(), string(bad)) && bad != "" {
			t.Errorf("key %q: %v", string(bad), err)
		}
	}
}
