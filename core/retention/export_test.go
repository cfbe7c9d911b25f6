package retention

import (
	"context"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Due is due with a limit of the test's own: how many it finds, and holds keep.
func Due(ctx context.Context, k *Keeper, chain evidence.ChainID, limit int) (found int, held int64, err error) {
	windows, held, err := k.due(ctx, chain, limit)
	return len(windows), held, err
}
