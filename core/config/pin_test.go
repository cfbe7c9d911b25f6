package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

func TestPinSet(t *testing.T) {
	t.Parallel()
	const d = `"sha256:new"`
	tests := []struct{ name, before, after string }{
		{"no section", "# mine\nkey: file:k   # secret\n", "# mine\nkey: file:k   # secret\n\nplugins:\n  dir: \"/p\"\n  pin:\n    storage/sftp: " + d + "\n"},
		{"no last newline", "key: k", "key: k\n\nplugins:\n  dir: \"/p\"\n  pin:\n    storage/sftp: " + d + "\n"},
		{"comments only", "# nothing yet\n", "# nothing yet\nplugins:\n  dir: \"/p\"\n  pin:\n    storage/sftp: " + d + "\n"},
		{"empty section", "plugins: # ours\nkey: k\n", "plugins: # ours\n  dir: \"/p\"\n  pin:\n    storage/sftp: " + d + "\nkey: k\n"},
		{"empty section at the end", "key: k\nplugins:", "key: k\nplugins:\n  dir: \"/p\"\n  pin:\n    storage/sftp: " + d + "\n"},
		{"folder only", "plugins:\n    # where\n    dir: ./x # here\n\nkey: k\n", "plugins:\n    pin:\n      storage/sftp: " + d + "\n    # where\n    dir: ./x # here\n\nkey: k\n"},
		{"other pin", "plugins:\n  dir: x\n  pin:\n    # another\n    a: sha256:a\n", "plugins:\n  dir: x\n  pin:\n    storage/sftp: " + d + "\n    # another\n    a: sha256:a\n"},
		{"empty pins", "plugins:\n  dir: x\n  pin:\nkey: k\n", "plugins:\n  dir: x\n  pin:\n    storage/sftp: " + d + "\nkey: k\n"},
		{"old pin", "plugins:\n  pin:\n    storage/sftp: sha256:old   # of May\n  dir: x\n", "plugins:\n  pin:\n    storage/sftp: " + d + "   # of May\n  dir: x\n"},
		{"old pin in quotes", "plugins:\n  pin: {a: 'sha256:a', storage/sftp: 'sha256:old'}\n", "plugins:\n  pin: {a: 'sha256:a', storage/sftp: " + d + "}\n"},
		{"braces", "plugins: {dir: x, pin: {a: sha256:a}} # ä\n", "plugins: {dir: x, pin: {storage/sftp: " + d + ", a: sha256:a}} # ä\n"},
		{"empty braces", "plugins: {dir: ü, pin: {}}\n", "plugins: {dir: ü, pin: {storage/sftp: " + d + "}}\n"},
		{"braces without pins", "plugins: {dir: x}\n", "plugins: {pin: {storage/sftp: " + d + "}, dir: x}\n"},
		{"braces with nothing", "plugins: {}\n", "plugins: {dir: \"/p\", pin: {storage/sftp: " + d + "}}\n"},
		{"other line ends", "plugins:\r\n  dir: x\r\n", "plugins:\r\n  pin:\r\n    storage/sftp: " + d + "\r\n  dir: x\r\n"},
		{"a pin by name only is another", "plugins:\n  dir: x\n  pin:\n    sftp: sha256:old\n", "plugins:\n  dir: x\n  pin:\n    storage/sftp: " + d + "\n    sftp: sha256:old\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := config.Pin{Kind: "storage", Name: "sftp", Digest: "sha256:new", Dir: "/p"}
			after, err := p.Set([]byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(after)); diff != "" {
				t.Error(diff)
			}
			again, err := p.Set(after)
			if err != nil || string(again) != string(after) {
				t.Errorf("set again: %v\n%s", err, again)
			}
		})
	}
}

// TestPinSetLeavesWhatItCannotRead: better no change than a wrong one.
func TestPinSetLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{key: k}\n",
		"plugins: text\n",
		"- a list\n",
		"key: k\n...\n",
		"base: &p {dir: x}\nplugins: *p\n",
		"plugins:\n  pin:\n    storage/sftp: [a]\n",
		"plugins:\n  pin:\n    storage/sftp: \"sha\\u0032\"\n",
		"key: [\n",
	} {
		if after, err := (config.Pin{Kind: "storage", Name: "sftp", Digest: "sha256:new"}).Set([]byte(text)); err == nil {
			t.Errorf("%q became %q", text, after)
		}
	}
}

func TestPinLines(t *testing.T) {
	t.Parallel()
	lines := config.Pin{Kind: "storage", Name: "sftp", Digest: "sha256:" + strings.Repeat("0", 64), Dir: "/usr/lib/rainlogs"}.Lines()
	cfg, err := config.Parse([]byte("archive: {storage: [{plugin: sftp}]}\n"+lines), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Plugins.Dir != "/usr/lib/rainlogs" || cfg.Plugins.Pin["storage/sftp"] == "" {
		t.Errorf("lines\n%sread as %+v", lines, cfg.Plugins)
	}
}
