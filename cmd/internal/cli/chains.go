package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

func addNoCache(cmd *cobra.Command, off *bool) {
	cmd.Flags().BoolVar(off, "no-cache", false, "read the chain from the store alone, and keep nothing of it on this machine")
}

// readChain returns one chain's entries, verified at chain level.
func (w *workspace) readChain(id evidence.ChainID) (verify.Chain, error) {
	chains, err := w.readChains([]evidence.ChainID{id})
	if err != nil {
		return verify.Chain{}, err
	}
	return chains[0], nil
}

// readChains returns chains' entries, verified at chain level; no ids are all chains.
func (w *workspace) readChains(ids []evidence.ChainID) ([]verify.Chain, error) {
	opts := w.readOptions()
	opts.Chains = ids
	return w.readVerified(opts)
}

// readVerified does not fetch full bundles again that are kept on this
// machine, unless noCache; they are checked like those that are fetched.
func (w *workspace) readVerified(opts verify.Options) ([]verify.Chain, error) {
	read := func(opts verify.Options) ([]verify.Chain, error) {
		if w.noCache {
			return verify.ReadChains(w.ctx, w.Store, opts)
		}
		cache := chaincache.New(chaincache.Config{Dir: filepath.Join(w.Config.Query.Cache, "chain"), Log: w.Logger()})
		return cache.ReadChains(w.ctx, w.Store, w.Archive, opts)
	}
	var chains []verify.Chain
	var err error
	if w.memory == nil {
		chains, err = read(opts)
	} else {
		chains, err = w.memory.ReadChains(w.ctx, w.Store, opts, read)
	}
	var damaged *verify.DamagedError
	if errors.As(err, &damaged) {
		return nil, site.EndWith(site.ExitDamaged, "read chain: "+err.Error()+" (rainlogs verify tells all of it)")
	}
	if err != nil {
		return nil, fmt.Errorf("read chain: %w", err)
	}
	return chains, nil
}

// queryChains are the chains of zones, by name or id, as a question is asked
// of them; no names are all zones.
func (w *workspace) queryChains(zones []string) ([]dataset.Chain, error) {
	var ids []evidence.ChainID
	for _, name := range zones {
		id, err := w.chainOf(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	verified, err := w.readChains(ids)
	if err != nil {
		return nil, err
	}
	if len(verified) == 0 {
		return nil, site.Usagef("the archive has no chain yet: rainlogs zone add, then rainlogs pull")
	}
	chains := make([]dataset.Chain, len(verified))
	for i, c := range verified {
		chains[i] = dataset.Chain{ID: c.ID, Entries: c.Entries, Head: dataset.Head{
			Size: c.Report.Size, Root: c.Report.Root, Key: evidence.Origin(w.Archive, c.ID), Pinned: c.KeyTrust != verify.TrustUnpinned,
		}}
	}
	return chains, nil
}

// byDataset parts chains into those that have the same columns.
func byDataset(chains []dataset.Chain) (out [][]dataset.Chain) {
	at := map[string]int{}
	for _, c := range chains {
		i, found := at[c.ID.Dataset]
		if !found {
			i = len(out)
			at[c.ID.Dataset], out = i, append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}
