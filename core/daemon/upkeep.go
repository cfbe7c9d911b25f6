package daemon

import (
	"context"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
)

const (
	dailyNote = "upkeep/daily" // the day on which the daily jobs were last inserted
	healNote  = "upkeep/heal"
	// dailyHour is when in the day they are: in the quiet hours of Europe.
	dailyHour = 2
)

// upkeep inserts what is to be done beside the windows.
func (p planning) upkeep(ctx context.Context) error {
	var insert []jobs.Insertion
	asked := 0
	news := p.news()
	for _, z := range p.zones {
		s := p.standings[z.Chain()]
		due := p.now.Sub(s.ProbedAt) >= p.ObserveEvery && !s.NotBefore.After(p.now)
		if z.Paused || asked == observeJobs || !due && !news[z.Chain()] {
			continue
		}
		insert = append(insert, jobs.ObserveJob(z.Chain()))
		asked++
	}
	daily, err := p.daily(ctx)
	if err != nil {
		return err
	}
	heal, err := p.healing(ctx)
	if err != nil {
		return err
	}
	_, err = p.queue.Insert(ctx, append(append(insert, daily...), heal...))
	return err //nolint:wrapcheck // says what it did
}

// news are the zones to be asked about because their source has another
// credential since: those that are blocked, for that may be over; and one of a
// source of whose zones none was asked about yet, so that what is wrong with the
// credential is known before all of them need it.
func (p planning) news() map[evidence.ChainID]bool {
	asked, news := map[string]bool{}, map[evidence.ChainID]bool{}
	for _, z := range p.zones {
		if at, ok := p.renewed[z.Source]; ok && p.standings[z.Chain()].ProbedAt.After(at) {
			asked[z.Source] = true
		}
	}
	for _, z := range p.zones {
		at, ok := p.renewed[z.Source]
		s := p.standings[z.Chain()]
		if !ok || z.Paused || s.Blocked == reasonSource || s.ProbedAt.After(at) {
			continue
		}
		if s.Blocked != "" || !asked[z.Source] {
			news[z.Chain()] = true
			asked[z.Source] = true
		}
	}
	return news
}

// daily returns the day's jobs, once; at once where a day was left out.
func (p planning) daily(ctx context.Context) ([]jobs.Insertion, error) {
	today := p.now.Format(time.DateOnly)
	var last string
	if err := p.note(ctx, dailyNote, &last); err != nil {
		return nil, err
	}
	if last == today || last == p.now.AddDate(0, 0, -1).Format(time.DateOnly) && p.now.Hour() < dailyHour {
		return nil, nil
	}
	insert := []jobs.Insertion{jobs.CheckJob()}
	for _, z := range p.zones {
		insert = append(insert, jobs.ExpireJob(z.Chain()))
	}
	return insert, p.putNote(ctx, dailyNote, today)
}

func (p planning) healing(ctx context.Context) ([]jobs.Insertion, error) {
	if p.Healer == nil {
		return nil, nil
	}
	var last time.Time
	if err := p.note(ctx, healNote, &last); err != nil {
		return nil, err
	}
	if d := p.now.Sub(last); d >= 0 && d < p.Recheck/5 {
		return nil, nil
	}
	return []jobs.Insertion{jobs.HealJob()}, p.putNote(ctx, healNote, p.now)
}

func (d *Daemon) expire(ctx context.Context, id evidence.ChainID) error {
	if d.Expirer == nil {
		return nil
	}
	return d.kept(ctx, "retention is not applied yet", d.Expirer.Expire(ctx, id))
}

func (d *Daemon) check(ctx context.Context) error {
	if d.Checker == nil {
		return nil
	}
	return d.kept(ctx, "self-check did not come to its end", d.Checker.Check(ctx))
}

func (d *Daemon) heal(ctx context.Context) error {
	if d.Healer == nil {
		return nil
	}
	return d.kept(ctx, "stores are not healed yet", d.Healer.Heal(ctx))
}

// kept tells of a failure that the queue keeps to itself while it tries again.
func (d *Daemon) kept(ctx context.Context, what string, err error) error {
	if err != nil && ctx.Err() == nil {
		d.Log.WarnContext(ctx, what, "error", err)
	}
	return err
}
