package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/exhibit"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// exportCase hands the records of a case out into a folder under dir, and
// notes that in the case. The result says what was left out, with any error but the
// ones of writing it.
func (w *workspace) exportCase(c *casebook.Case, dir string, progress func(done, total int64)) (res exhibit.Result, err error) {
	state, journal, err := c.Journal()
	if err != nil {
		return res, err
	}
	if state.Damage != nil {
		return res, state.Damage
	}
	chains, err := w.provable(state.Bookmarks)
	if err != nil {
		return res, err
	}
	temp, err := os.MkdirTemp("", "rainlogs-case-") // 0700
	if err != nil {
		return res, fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	res, err = exhibit.Write(w.ctx, dir, exhibit.Request{
		Store: w.Store, Archive: w.Archive, Chains: chains, Bookmarks: state.Bookmarks,
		CaseName: state.Name, CaseTitle: state.Title, CaseHead: state.Head, Journal: journal,
		Who: who(), Program: "rainlogs " + site.Version, Now: w.Env.Now(), TempDir: temp, Progress: progress,
	})
	if err != nil {
		return res, err
	}
	// It was written: that must be noted, whatever ends now.
	err = c.HandedOut(context.WithoutCancel(w.ctx), casebook.Export{Folder: res.Folder, Records: res.Records, SHA256: res.SHA256})
	if err != nil {
		return res, fmt.Errorf("the bundle %s was written, and the case could not note that: %w", res.Folder, err)
	}
	return res, nil
}

// provable reads and verifies the chains of records, each with its signed head.
func (w *workspace) provable(marks []inquiry.Bookmark) ([]exhibit.Chain, error) {
	var own []inquiry.Bookmark
	for _, m := range marks {
		if m.Ref.Archive == w.Archive {
			own = append(own, m)
		}
	}
	ids, err := exhibit.Needed(own)
	if err != nil {
		return nil, err
	}
	var out []exhibit.Chain
	for _, id := range ids {
		c, err := w.provableChain(id)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (w *workspace) provableChain(id evidence.ChainID) (exhibit.Chain, error) {
	r, err := verify.ReadChain(w.ctx, w.Store, id, w.readOptions())
	var damaged *verify.DamagedError
	if errors.As(err, &damaged) {
		return exhibit.Chain{}, site.EndWith(site.ExitDamaged, "read chain: "+err.Error()+" (rainlogs verify tells all of it)")
	}
	if err != nil {
		return exhibit.Chain{}, fmt.Errorf("read chain: %w", err)
	}
	c := exhibit.Chain{ID: id}
	c.Head, c.Signed = r.Head()
	c.VKey, c.Trust = r.Trust()
	for e, err := range r.Entries(w.ctx) {
		if err != nil {
			return c, fmt.Errorf("read chain: %w", err)
		}
		c.Entries = append(c.Entries, e)
	}
	return c, nil
}
