package verify

import (
	"context"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// uncovered looks among a bundle and its tile, as they are present and as they
// were first, for two that fit together. If there are none it returns what is
// present, or what can be read at all. Whether these are the sealed entries,
// the root tells.
func (r bundleReader) uncovered(ctx context.Context, present bundleResult) bundleResult {
	first := r.readFrom(ctx, r.first, present.n)
	if first.err != nil && !isFinding(first.err) {
		return first
	}
	if first.err == nil && (present.err != nil || first.digest != present.digest) {
		first.covered = []covered{{key: first.key, seq: present.n * evidence.BundleSize, present: present.state, first: first.state}}
	}
	for _, b := range r.order(present, first) {
		if b.err != nil {
			continue
		}
		fitting, ok, err := r.fit(ctx, b)
		if err != nil {
			b.err = err
			return b
		}
		if ok {
			return fitting
		}
	}
	if present.err != nil && first.err == nil {
		first.tile = present.tile
		return first
	}
	return present
}

// order is that in which a bundle's two versions are tried.
func (r bundleReader) order(present, first bundleResult) [2]bundleResult {
	if r.firsts || present.err != nil {
		return [2]bundleResult{first, present}
	}
	return [2]bundleResult{present, first}
}

// fit compares a bundle with its present tile, then with the first one.
func (r bundleReader) fit(ctx context.Context, b bundleResult) (bundleResult, bool, error) {
	if !r.tiles {
		return b, true, nil
	}
	present, err := r.checkTile(ctx, r.store, &b)
	if err != nil {
		return b, false, err
	}
	b.tile = ""
	if present.good {
		return b, true, nil
	}
	first, err := r.checkTile(ctx, r.first, &b)
	if err == nil && first.good {
		b.covered = append(b.covered, covered{key: first.key, seq: b.n * evidence.BundleSize, present: present.state, first: first.state})
	}
	return b, first.good, err
}

// keep notes what of a bundle was read from its first version.
func (c *chainCheck) keep(b bundleResult) {
	for _, f := range b.covered {
		if f.key == b.key {
			c.original[b.n] = true
		}
		f.otherwise = func() {
			code := CodeTile
			if f.key == b.key {
				code = CodeBundle
			}
			c.find(code, f.seq, f.key, "%s is %s; its first version is there, and is not that of the signed chain either", f.key, f.present.cover())
		}
		c.covered = append(c.covered, f)
	}
}
