package cli

import (
	"context"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/chainview"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
)

// notedChain is the view of the chains whose verifications are noted in the current case.
type notedChain struct {
	*chainview.View
	book     *casebook.Book
	readOnly bool
}

var _ chain.Data = (*notedChain)(nil)

// Verify verifies, and notes what came of it.
func (n *notedChain) Verify(ctx context.Context, job chain.Job, progress func(chain.Progress)) (chain.Verdict, error) {
	out, err := n.View.Verify(ctx, job, progress)
	if err != nil || n.readOnly {
		return out, err
	}
	err = n.book.Verified(ctx, casebook.Verification{
		Level: string(job.Level), Entries: out.Entries, Objects: out.Objects, Intact: out.Intact, Complete: out.Complete,
		Findings: int64(len(out.Findings)) + out.More,
	})
	if err != nil {
		out.Notices = append(out.Notices, "not noted in the case: "+err.Error())
	}
	return out, nil
}
