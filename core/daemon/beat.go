package daemon

import (
	"context"
	"time"
)

// beatsNote holds every process's last sign of life, on real time. Two that
// write it at once may lose one of the two; the next beat mends that long
// before a process is taken for dead.
const beatsNote = "daemon/beats"

// deadAfter is how long after its last beat a process is taken for dead. Its
// jobs are then given back; should it live after all, a window is pulled
// twice and sealed once.
func (d *Daemon) deadAfter() time.Duration { return 6 * d.PlanEvery }

// beats writes a beat every now and then, and looks whether anybody plans,
// until ctx ends.
func (d *Daemon) beats(ctx context.Context) {
	s := &standIn{Daemon: d, since: time.Now()}
	defer s.working.Wait()
	t := time.NewTicker(d.PlanEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		d.Beat()
		write, cancel := context.WithTimeout(ctx, 2*d.PlanEvery)
		if err := d.beat(write, true); err != nil && ctx.Err() == nil {
			d.Log.WarnContext(ctx, "sign of life not written", "error", err)
		}
		d.reclaim(write)
		s.look(ctx)
		cancel()
	}
}

// beat writes this process's sign of life, or takes it away, and forgets those
// of the long dead.
func (d *Daemon) beat(ctx context.Context, alive bool) error {
	now := time.Now().UTC()
	all := map[string]time.Time{}
	if err := d.note(ctx, beatsNote, &all); err != nil {
		return err
	}
	for process, at := range all {
		if now.Sub(at) > max(10*d.deadAfter(), time.Hour) {
			delete(all, process)
		}
	}
	delete(all, d.ID)
	if alive {
		all[d.ID] = now
	}
	return d.putNote(ctx, beatsNote, all)
}

// rescue gives back the jobs of processes that are dead.
func (d *Daemon) rescue(ctx context.Context) error {
	all := map[string]time.Time{}
	if err := d.note(ctx, beatsNote, &all); err != nil {
		return err
	}
	now := time.Now()
	n, err := d.queue.Rescue(ctx, func(process string) bool {
		return process == d.ID || now.Sub(all[process]) < d.deadAfter()
	})
	if n > 0 {
		d.Log.WarnContext(ctx, "jobs of dead processes given back", "jobs", n)
	}
	return err //nolint:wrapcheck // says what it did
}

// reclaim gives back the jobs of this process whose end could not be written:
// their windows would wait for an hour.
func (d *Daemon) reclaim(ctx context.Context) {
	n, err := d.queue.RescueOwn(ctx)
	if err != nil {
		d.Log.DebugContext(ctx, "own jobs not looked for", "error", err) // the next beat does
	}
	if n > 0 {
		d.Log.WarnContext(ctx, "jobs given back whose end could not be written", "jobs", n)
	}
}
