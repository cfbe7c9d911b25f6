package collector

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
)

func newJobsShow(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show all of a job, with every failed attempt", Args: cobra.ExactArgs(1),
		Example: program + " jobs show 4711",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withWork(cmd.Context(), env, g, func(w worklist) error {
				j, err := w.show(cmd.Context(), args[0])
				if err != nil {
					return err //nolint:wrapcheck // says what it did
				}
				if asJSON {
					return site.PrintJSON(env.Out, j) //nolint:wrapcheck // says what it did
				}
				return printJob(env, j)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return site.OverServer(cmd)
}

// show finds a job by its number.
func (v *view) show(ctx context.Context, id string) (work, error) {
	ids, err := jobIDs([]string{id})
	if err != nil {
		return nil, err
	}
	j, err := v.get(ctx, ids[0])
	if err != nil {
		return nil, err
	}
	return v.view(j), nil
}

func jobIDs(args []string) ([]int64, error) {
	ids := make([]int64, len(args))
	for i, a := range args {
		id, err := strconv.ParseInt(a, 10, 64)
		if err != nil || id < 1 {
			return nil, site.Usagef("%q is not a job's id: jobs list has them", a)
		}
		ids[i] = id
	}
	return ids, nil
}

// get finds a job, or says in clear words that there is none.
func (v *view) get(ctx context.Context, id int64) (jobs.Job, error) {
	if v.queue == nil {
		return jobs.Job{}, site.EndWith(site.ExitFailed, fmt.Sprintf("there is no job %d: %s", id, noQueue))
	}
	j, err := v.queue.Get(ctx, id)
	if errors.Is(err, jobs.ErrNotFound) {
		err = site.EndWith(site.ExitFailed, fmt.Sprintf("there is no job %d: those that have ended are forgotten after a while", id))
	}
	return j, err //nolint:wrapcheck // says what it did
}

func printJob(env *site.Env, j work) error {
	return site.Table(env.Out, "", func(row func(...any)) { //nolint:wrapcheck // says what it did
		j.details(func(name, value string) {
			if value != "" {
				row(name, oneLine(value))
			}
		})
	})
}

// details tells all of a job.
func (j jobView) details(say func(name, value string)) {
	say("id", strconv.FormatInt(j.ID, 10))
	say("kind", j.Kind)
	say("queue", j.Queue)
	say("state", j.State)
	say("zone", j.Zone)
	say("zone name", j.ZoneName)
	say("dataset", j.Dataset)
	say("window", j.window())
	say("attempt", fmt.Sprintf("%d of at most %d", j.Attempt, j.MaxAttempts))
	say("created", timeOrNothing(j.CreatedAt))
	say("due", j.due())
	say("attempted", timeOrNothing(j.AttemptedAt))
	say("attempted by", j.AttemptedBy)
	say("finished", timeOrNothing(j.FinishedAt))
	for _, e := range j.Errors {
		say(fmt.Sprintf("failed attempt %d", e.Attempt), site.RFC3339(e.At)+" "+e.Error)
	}
}

func newJobsRetry(env *site.Env, g *site.Globals, program string) *cobra.Command {
	return &cobra.Command{
		Use: "retry ID...", Short: "Make jobs due now", Args: cobra.MinimumNArgs(1),
		Long: "Make jobs due now, also such as were given up or cancelled. A job that is running is left alone. What a\n" +
			"window's job does is for the ledger to say: it ends at once where the window is sealed or its time has not\n" +
			"come, and where its zone is paused or waits for the next look at what blocks it.\n\n" + site.ExitHelp,
		Example: program + " jobs retry 4711 4712",
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachJob(cmd.Context(), env, g, args, retryJob)
		},
	}
}

func newJobsCancel(env *site.Env, g *site.Globals, program string) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID...", Short: "End jobs that wait or are running", Args: cobra.MinimumNArgs(1),
		Long: "End jobs. One that is running is asked to end, which takes a few seconds; it may come to its own end first.\n\n" +
			"This stops no collecting: jobs are only the work, and the ledger decides. The window of a job that was\n" +
			"cancelled is still open, and the collector inserts a new job for it with its next plan, within seconds. To\n" +
			"stop the collecting of a zone, pause it (rainlogs zone pause).\n\n" + site.ExitHelp,
		Example: program + " jobs cancel 4711",
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachJob(cmd.Context(), env, g, args, cancelJob)
		},
	}
}

// eachJob does something to jobs, tells what, and goes on after one to which
// it could not be done.
func eachJob(ctx context.Context, env *site.Env, g *site.Globals, args []string, do func(ctx context.Context, v *view, before jobs.Job) (string, error)) error {
	ids, err := jobIDs(args)
	if err != nil {
		return err
	}
	v, err := openView(ctx, env, g)
	if err != nil {
		return err
	}
	defer v.close()
	var failed []error
	for _, id := range ids {
		said := ""
		j, err := v.get(ctx, id)
		if err == nil {
			said, err = do(ctx, v, j)
		}
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			failed = append(failed, err)
			said = err.Error()
		}
		if len(ids) > 1 || err == nil { // a single error is the program's last word
			_, _ = fmt.Fprintln(env.Err, site.SafeLine(said)) // as much as can be told
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(ids) == 1:
		return failed[0]
	}
	return site.EndWith(site.ExitFailed, fmt.Sprintf("%d of %d jobs were left as they are", len(failed), len(ids)))
}

// Retry makes a job due now, and says what came of it.
func Retry(ctx context.Context, env *site.Env, g *site.Globals, id int64) (string, error) {
	return oneJob(ctx, env, g, id, retryJob)
}

// Cancel ends a job, and says what came of it.
func Cancel(ctx context.Context, env *site.Env, g *site.Globals, id int64) (string, error) {
	return oneJob(ctx, env, g, id, cancelJob)
}

func oneJob(ctx context.Context, env *site.Env, g *site.Globals, id int64, do func(ctx context.Context, v *view, before jobs.Job) (string, error)) (string, error) {
	v, err := openView(ctx, env, g)
	if err != nil {
		return "", err
	}
	defer v.close()
	j, err := v.get(ctx, id)
	if err != nil {
		return "", err
	}
	return do(ctx, v, j)
}

func retryJob(ctx context.Context, v *view, before jobs.Job) (string, error) {
	j, err := v.queue.Retry(ctx, before.ID)
	switch {
	case errors.Is(err, jobs.ErrTwice):
		return "", site.EndWith(site.ExitFailed, fmt.Sprintf("job %d stays %s: another job in the queue does the same", before.ID, before.State))
	case err != nil:
		return "", err //nolint:wrapcheck // says what it did
	case j.State == jobs.StateRunning:
		return fmt.Sprintf("job %d is running: it is left alone", j.ID), nil
	case before.State == jobs.StateAvailable:
		return fmt.Sprintf("job %d was due already", j.ID), nil
	}
	return fmt.Sprintf("job %d was %s and is due now", j.ID, before.State), nil
}

func cancelJob(ctx context.Context, v *view, before jobs.Job) (string, error) {
	j, err := v.queue.Cancel(ctx, before.ID)
	switch {
	case err != nil:
		return "", err //nolint:wrapcheck // says what it did
	case j.State == jobs.StateRunning:
		return fmt.Sprintf("job %d is running: the collector is asked to end it, and it may come to its own end first", j.ID), nil
	case j.State == jobs.StateCompleted:
		return "", site.EndWith(site.ExitFailed, fmt.Sprintf("job %d is completed: there is nothing to cancel", j.ID))
	case before.State == jobs.StateCancelled, j.State == jobs.StateDiscarded:
		return fmt.Sprintf("job %d was %s already", j.ID, j.State), nil
	}
	return fmt.Sprintf("job %d was %s and is cancelled", j.ID, before.State), nil
}
