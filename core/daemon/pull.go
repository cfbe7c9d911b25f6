package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/core/schedule"
)

// pullJobs bounds the jobs that one Pull inserts.
const pullJobs = 500

// Pull plans a zone now, whatever its schedule says, and queues what is due of
// it with the live windows. It returns how many windows were not in the queue
// yet: none while the zone's source is given a rest. It is for a daemon that
// runs: call it between Run's ready and its end.
func (d *Daemon) Pull(ctx context.Context, z catalog.Zone) (queued int, err error) {
	id := z.Chain()
	p := planning{Daemon: d, now: d.Now().UTC(), standings: map[evidence.ChainID]catalog.Standing{}, policies: map[evidence.ChainID]schedule.Policy{}}
	feed, err := d.Feed(ctx, z)
	if err != nil {
		return 0, fmt.Errorf("pull zone %s: %w", z.Name, err)
	}
	if d.planning.TryLock() { // else a plan is being made, of this zone too
		err = p.zone(ctx, z, d.Policy.For(feed.About.Limits))
		d.planning.Unlock()
	}
	if err != nil {
		return 0, fmt.Errorf("pull zone %s: %w", z.Name, err)
	}
	standing, err := d.Catalog.Standing(ctx, id)
	if err != nil || standing.NotBefore.After(p.now) {
		return 0, err //nolint:wrapcheck // says what it did
	}
	due, err := d.Catalog.Due(ctx, id, p.now.Truncate(time.Millisecond), pullJobs)
	if err != nil {
		return 0, err //nolint:wrapcheck // says what it did
	}
	insert := make([]jobs.Insertion, len(due))
	for i, w := range due {
		insert[i] = jobs.WindowJob(id, w.Window, jobs.Live)
	}
	return d.queue.Insert(ctx, insert) //nolint:wrapcheck // says what it did
}
