//go:build linux

package pluginhost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-plugin"

	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// twoVersions makes a host that speaks version 2 and 1.
func twoVersions(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	b.versions = func() map[int]plugin.PluginSet {
		all := wire.Plugins(nil)
		all[2] = all[1]
		return all
	}
	return b
}

// TestPluginOfThePreviousProtocol: a host that speaks 2 and 1 takes a plugin
// that was built when there was only 1, and the other way round.
func TestPluginOfThePreviousProtocol(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		host *bundle
	}{
		{"facts", twoVersions(t)}, {"ahead", setup(t)},
	} {
		i, s := launch(t, test.host, Self(wire.KindStorage, test.name, greeting()))
		if about := i.About(); about.Protocol != 1 {
			t.Errorf("%s: protocol %d agreed on, want 1", test.name, about.Protocol)
		}
		if have := fact(t, s, "values"); have != "hello " {
			t.Errorf("%s: values %q", test.name, have)
		}
	}
}

// TestPluginMustSpeakWhatWasAgreed: both have 2, and the plugin's answers are
// still those of 1.
func TestPluginMustSpeakWhatWasAgreed(t *testing.T) {
	t.Parallel()
	_, err := twoVersions(t).Launch(context.Background(), Self(wire.KindStorage, "ahead", greeting()))
	if !errors.Is(err, wire.ErrProtocol) || !strings.Contains(err.Error(), "speaks protocol 1, agreed is 2") {
		t.Errorf("%v, want another protocol than was agreed on", err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	about, err := b.Describe(context.Background(), Self(wire.KindStorage, "facts", nil)) // without the setting that it needs
	if err != nil {
		t.Fatal(err)
	}
	if about.Name != "facts" || about.Version != "1.0.0" || len(about.Schema) != 2 || !about.Schema[1].Secret {
		t.Errorf("described as %+v", about)
	}
	path, pin := copyOfSelf(t, t.TempDir(), "whatever")
	for what, test := range map[string]struct {
		spec Spec
		want error
	}{
		"another plugin":   {Self(wire.KindStorage, "liar", nil), ErrUntrusted},
		"without a pin":    {Spec{Path: path}, ErrUntrusted},
		"another's digest": {Spec{Path: path, SHA256: strings.Repeat("0", 64)}, ErrUntrusted},
	} {
		if _, err := b.Describe(context.Background(), test.spec); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", what, err, test.want)
		}
	}
	// A program of which nothing is known but its digest.
	stranger := Spec{Path: path, SHA256: pin, Args: []string{"plugin-serve", wire.KindStorage, "facts"}}
	if about, err = b.Describe(context.Background(), stranger); err != nil || about.Name != "facts" {
		t.Errorf("a stranger: %+v, %v", about, err)
	}
}

func TestDigestRefusesWhatOthersCanWrite(t *testing.T) {
	t.Parallel()
	path, pin := copyOfSelf(t, t.TempDir(), "rainlogs-storage-x")
	if have, err := Digest(path); err != nil || have != pin {
		t.Errorf("digest %s, %v, want %s", have, err, pin)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Digest(path); !errors.Is(err, ErrUntrusted) {
		t.Errorf("%v, want ErrUntrusted", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOfSelf(t, dir, "rainlogs-storage-b")
	copyOfSelf(t, dir, "rainlogs-source-a")
	for _, name := range []string{"README", "rainlogs-storage-", "rainlogs-tui-x", "rainlogs-storage-UPPER", "rainlogs-storage-plain"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, f := range all {
		state := "fine"
		if errors.Is(f.Err, ErrUntrusted) {
			state = "untrusted"
		}
		have = append(have, f.Kind+"/"+f.Name+" "+state)
	}
	if diff := cmp.Diff([]string{"source/a fine", "storage/b fine", "storage/plain untrusted"}, have); diff != "" {
		t.Error(diff)
	}
}
