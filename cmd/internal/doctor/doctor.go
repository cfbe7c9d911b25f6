package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/health"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// Status is how a thing is.
type Status string

// The statuses. Only Fail keeps something from working.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Finding is what was found of one thing, and what to do about it.
type Finding struct {
	Status  Status `json:"status"`
	Check   string `json:"check"`             // "storage", "zone"
	Subject string `json:"subject,omitempty"` // which of several
	Found   string `json:"found"`
	Remedy  string `json:"remedy,omitempty"` // empty when all is well
}

// Report is all that was found.
type Report struct {
	Status Status    `json:"status"` // the worst
	Checks []Finding `json:"checks"`
}

// Count returns how many findings have a status.
func (r Report) Count(s Status) int {
	n := 0
	for _, f := range r.Checks {
		if f.Status == s {
			n++
		}
	}
	return n
}

// Config is what the doctor is given.
type Config struct {
	Env     *site.Env
	Globals *site.Globals
	// Offline: the source is not asked.
	Offline bool
	// AskHealth asks the daemon at HOST:PORT.
	AskHealth func(ctx context.Context, listen string) (health.Report, error)
}

// The time limits of the checks; a zone's is its own.
const (
	fileLimit    = 5 * time.Second
	storeLimit   = 20 * time.Second
	catalogLimit = 20 * time.Second
	chainsLimit  = time.Minute
	zoneLimit    = 30 * time.Second
	daemonLimit  = 15 * time.Second // longer than the daemon's own checks may take
)

// visit is one look at everything. What a check has opened, later ones use.
type visit struct {
	Config
	w      *site.Workspace
	stores []openStore // those that have an archive
	newest time.Time   // what the stores say was written last
	zones  []catalog.Zone
	clocks []source.Check // what the source says of the clock
	report Report
}

// Run looks at everything.
func Run(ctx context.Context, c Config) Report {
	v := &visit{Config: c, report: Report{Status: OK}}
	cfg, err := site.LoadConfig(c.Env, c.Globals)
	if err != nil {
		v.add("config", Finding{Status: Fail, Found: err.Error(), Remedy: "mend the config (rainlogs config schema describes it; rainlogs init makes one): all else depends on it"})
		return v.report
	}
	v.add("config", Finding{Status: OK, Found: cfg.Path})
	v.w = site.New(c.Env, c.Globals, cfg)
	defer v.w.Close()
	for _, p := range cfg.Archive.Storage {
		v.look(ctx, "storage", storeLimit, func(ctx context.Context) []Finding { return v.storage(ctx, p) })
	}
	v.look(ctx, "storage", fileLimit, v.oneArchive)
	v.look(ctx, "key", fileLimit, v.key)
	v.look(ctx, "spool", fileLimit, v.spool)
	v.look(ctx, "catalog", catalogLimit, v.catalog)
	v.look(ctx, "chains", chainsLimit, v.chains)
	v.look(ctx, "backlog", catalogLimit, v.backlog)
	v.look(ctx, "zone", zoneLimit*time.Duration(len(v.zones)+1), v.probes)
	v.look(ctx, "clock", fileLimit, v.clock)
	v.look(ctx, "daemon", daemonLimit, v.daemon)
	return v.report
}

// look makes one check within its time.
func (v *visit) look(ctx context.Context, check string, limit time.Duration, f func(context.Context) []Finding) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	v.add(check, f(ctx)...)
}

func (v *visit) add(check string, found ...Finding) {
	for _, f := range found {
		if f.Check == "" {
			f.Check = check
		}
		f.Found = oneLine(f.Found)
		v.report.Checks = append(v.report.Checks, f)
		if f.Status == Fail || f.Status == Warn && v.report.Status == OK {
			v.report.Status = f.Status
		}
	}
}

// failed is a finding of an error, with the error's own remedy or else one.
func failed(err error, remedy string) Finding {
	if hint := site.Hint(err); hint != "" {
		remedy = hint
	}
	return Finding{Status: Fail, Found: reason(err), Remedy: remedy}
}

// reason is an error's text; a time limit is said in other words.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within the time limit (" + err.Error() + ")"
	}
	return err.Error()
}

// oneLine makes a joined error one line.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }

// within runs f, which may hang in the file system whatever ctx says, and
// leaves it behind when ctx ends. f must not write to what others read.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() { // ends with f
		value, err := f()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err() //nolint:wrapcheck // the caller says what it did
	}
}
