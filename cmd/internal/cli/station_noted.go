package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/chainview"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
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

// notedSQL is the desk of the SQL screen whose questions are noted in the current case.
type notedSQL struct {
	*sqlDesk
	book     *casebook.Book
	readOnly bool
}

var _ sql.Data = (*notedSQL)(nil)

// Ask asks, and notes the question with what its answer stands on.
func (n *notedSQL) Ask(ctx context.Context, q sql.Question, progress func(sql.Progress)) (*sql.Answer, error) {
	a, err := n.sqlDesk.Ask(ctx, q, progress)
	if err != nil || n.readOnly {
		return a, err
	}
	asked := casebook.Query{
		SQL: q.SQL, Params: q.Params, Zones: q.Scope.Zones, Rows: int64(len(a.Rows)), Evidence: a.Evidence.Line, Complete: a.Evidence.Sound,
	}
	asked.Between(a.Ground.From, a.Ground.To)
	if err := n.book.Asked(ctx, asked); err != nil {
		a.Evidence.Footer = append(a.Evidence.Footer, "! not noted in the case: "+err.Error())
	}
	return a, nil
}

// Export writes an answer, and notes the file with its SHA-256.
func (n *notedSQL) Export(ctx context.Context, q sql.Question, t sql.Target, progress func(sql.Progress)) (sql.Exported, error) {
	out, err := n.sqlDesk.Export(ctx, q, t, progress)
	if err != nil || n.readOnly {
		return out, err
	}
	sum, err := sumOf(out.Path)
	if err == nil {
		err = n.book.HandedOut(ctx, casebook.Export{File: out.Path, SHA256: sum})
	}
	if err != nil {
		return out, fmt.Errorf("%s was written, and the case could not note that: %w", out.Path, err)
	}
	return out, nil
}

// sumOf is a file's SHA-256, in hex.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read what was written: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read what was written: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
