package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/tui/screen/settings"
)

var _ settings.Data = (*station)(nil)

// name is what people call the archive: as the config says, or else as its folder is named.
func (s *station) name() string { return archiveName(s.w.Config) }

func archiveName(cfg *config.Config) string {
	if cfg.Archive.Name != "" {
		return cfg.Archive.Name
	}
	return filepath.Base(filepath.Dir(cfg.Path))
}

// Archive describes what is open.
func (s *station) Archive(ctx context.Context) (settings.Archive, error) {
	a := settings.Archive{
		Name: s.name(), ID: s.w.Archive, Config: s.w.Config.Path, Session: s.kept, ReadOnly: s.readOnly, Version: "rainlogs " + site.Version,
	}
	for _, p := range s.w.Config.Archive.Storage {
		a.Stores = append(a.Stores, storeText(p))
	}
	b, err := site.ReadDescriptor(ctx, s.w.Store)
	if err != nil {
		return a, err
	}
	desc, err := evidence.DecodeDescriptor(b)
	if err != nil {
		return a, err //nolint:wrapcheck // names the file already
	}
	a.Purpose, a.Created = desc.Purpose, desc.CreatedAt
	a.Keys, err = s.signers(ctx)
	return a, err
}

// storeText is a store in a line: its place, and none of its other settings.
func storeText(p config.Plugin) string {
	text := p.StoreName() + ": " + p.Name()
	settings := p.Settings()
	for _, name := range []string{"provider", "endpoint", "region", "bucket", "path", "prefix"} {
		if v := settings[name]; v != "" {
			text += ", " + v
		}
	}
	return text
}

// signers are the keys that sign the chains, and why each is believed.
func (s *station) signers(ctx context.Context) ([]settings.Key, error) {
	w := &workspace{Workspace: s.w.Workspace, ctx: ctx}
	ids, err := verify.ListChains(ctx, w.Store)
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	chains, err := w.readChains(ids)
	if err != nil {
		return nil, err
	}
	words := map[string]string{
		verify.TrustPinned:     "pinned: this machine has the signing key",
		verify.TrustRemembered: "remembered: the same as when it was first seen here",
		verify.TrustUnpinned:   "known from the archive alone: compare it with one that was pinned elsewhere",
	}
	var out []settings.Key
	for _, c := range chains {
		k := settings.Key{VKey: c.VKey, Trust: words[c.KeyTrust], Known: c.KeyTrust != verify.TrustUnpinned}
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out, nil
}
