package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

const (
	// maxCoverage is the longest range that the API tells the coverage of.
	maxCoverage = 31 * 24 * time.Hour
	// backfill is how long before a zone was added its collection may have
	// begun, where its beginning is not its own: longer than any source keeps.
	backfill = 31 * 24 * time.Hour
)

// covered is what the collector's catalog says; no chain is read for it.
func (r *remote) covered(zones []string, o verifyOptions) ([]verify.Chain, error) {
	from, to, err := o.times.parse(r.env.Now())
	if err != nil {
		return nil, err
	}
	all, err := r.zonesOf(zones)
	if err != nil {
		return nil, err
	}
	out := make([]verify.Chain, len(all))
	for i, z := range all {
		if out[i], err = r.coverageOf(z, from, to); err != nil {
			return nil, fmt.Errorf("coverage of %s: %w", z.Name, err)
		}
		if segments := out[i].Report.Segments; o.calendar && len(segments) > 0 {
			if out[i].Entries, err = r.counted(z, segments[0].From, segments[len(segments)-1].To); err != nil {
				return nil, fmt.Errorf("count lines of %s: %w", z.Name, err)
			}
		}
	}
	return out, nil
}

// names are what zones are called by; what is shown does not depend on it.
func (r *remote) names() map[evidence.ChainID]string {
	names := map[evidence.ChainID]string{}
	zones, err := r.zonesOf(nil)
	if err != nil {
		return names
	}
	for _, z := range zones {
		names[z.Chain()] = z.Name
	}
	return names
}

// open are the windows of the collector's ledger that have not ended.
func (r *remote) open() map[evidence.ChainID]int64 {
	open := map[evidence.ChainID]int64{}
	backlog, err := r.client.Backlog(r.ctx)
	if err != nil {
		return open
	}
	for _, b := range backlog {
		for _, n := range b.Open {
			open[evidence.ChainID{Zone: b.Zone, Dataset: b.Dataset}] += n
		}
	}
	return open
}

func (r *remote) coverageOf(z catalog.Zone, from, to time.Time) (verify.Chain, error) {
	head, err := r.client.Chain(r.ctx, ref(z))
	if err != nil {
		return verify.Chain{}, err //nolint:wrapcheck // the caller says what it did
	}
	begin, end := from, to
	if begin.IsZero() {
		if begin = z.From; begin.IsZero() {
			begin = z.AddedAt.Add(-backfill)
		}
	}
	if end.IsZero() {
		end = r.env.Now()
	}
	var segments []verify.Segment
	for at := begin; at.Before(end); at = at.Add(maxCoverage) {
		part, err := r.client.Coverage(r.ctx, ref(z), at, earlier(at.Add(maxCoverage), end))
		if err != nil {
			return verify.Chain{}, err //nolint:wrapcheck // the caller says what it did
		}
		for _, s := range part.Spans {
			segments = addSegment(segments, segmentOf(s))
		}
	}
	c := verify.Chain{ID: z.Chain(), Report: verify.ChainReport{
		Chain: z.Chain().String(), Size: head.Size, VKey: head.Vkey, Root: rootIn(optional(head.Checkpoint)), Remembered: -1, Complete: true,
	}}
	c.Report.Segments = trimmed(segments, from.IsZero(), to.IsZero())
	sumUp(&c.Report)
	return c, nil
}

// counted are the sealed windows of a range, as entries that tell when each
// begins and how many lines it has, and nothing else.
func (r *remote) counted(z catalog.Zone, from, to time.Time) ([]*evidence.Entry, error) {
	var out []*evidence.Entry
	for j, err := range r.client.Jobs(r.ctx, ref(z)) {
		if err != nil {
			return nil, err //nolint:wrapcheck // the caller says what it did
		}
		if !j.To.After(from) {
			break // they come the latest first
		}
		if j.State == gen.JobStateSealed && j.From.Before(to) {
			out = append(out, &evidence.Entry{
				Kind: evidence.KindLog, Window: &evidence.Window{Start: j.From, End: j.To}, Content: &evidence.Content{Lines: j.Lines},
			})
		}
	}
	return out, nil
}

// segmentOf says of a span what a verified chain would say: what is not in it is missing.
func segmentOf(s gen.Span) verify.Segment {
	out := verify.Segment{From: s.From, To: s.To, State: verify.Missing}
	switch s.State {
	case gen.SpanStateSealed:
		out.State = verify.Collected
		if s.Lines == 0 {
			out.State = verify.Empty
		}
		out.Windows, out.Lines = int(s.Windows), s.Lines
	case gen.SpanStateLost:
		out.State, out.Reason, out.Windows = verify.Gap, optional(s.Reason), int(s.Windows)
	}
	return out
}

func addSegment(all []verify.Segment, s verify.Segment) []verify.Segment {
	if n := len(all); n > 0 && all[n-1].State == s.State && all[n-1].Reason == s.Reason {
		last := &all[n-1]
		last.To, last.Windows, last.Lines = s.To, last.Windows+s.Windows, last.Lines+s.Lines
		return all
	}
	return append(all, s)
}

// trimmed leaves out what is missing before the first window and behind the
// last one, where nobody has asked for it.
func trimmed(all []verify.Segment, front, back bool) []verify.Segment {
	if front && len(all) > 0 && all[0].State == verify.Missing {
		all = all[1:]
	}
	if n := len(all); back && n > 0 && all[n-1].State == verify.Missing {
		all = all[:n-1]
	}
	return all
}

func sumUp(c *verify.ChainReport) {
	for i, s := range c.Segments {
		if i == 0 {
			c.First = s.From
		}
		c.Last = s.To
		c.Lines += s.Lines
		c.Windows += int64(s.Windows)
		switch s.State {
		case verify.Gap:
			c.Gaps += int64(s.Windows)
			c.Complete = false
		case verify.Missing:
			c.Complete = false
		}
	}
}

// rootIn is the root hash in a checkpoint, its third line.
func rootIn(checkpoint string) string {
	if lines := strings.SplitN(checkpoint, "\n", 4); len(lines) == 4 {
		return lines[2]
	}
	return ""
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// verified has the server verify one chain after another. It does so by its own
// key, and the report says that.
func (r *remote) verified(zones []string, o verifyOptions) (*verify.Report, error) {
	if o.key != "" || o.times.from != "" || o.times.to != "" {
		return nil, site.Usagef("--key, --from and --to: over the API the server verifies whole chains by its own key; rainlogs-verify does it by yours, over a copy of the archive")
	}
	level, err := verify.ParseLevel(o.level)
	if err != nil {
		return nil, site.Usagef("--level: %w", err)
	}
	all, err := r.zonesOf(zones)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, site.EndWith(site.ExitFailed, "no zone is under collection: there is nothing that the server could verify")
	}
	out := &verify.Report{Level: level, Intact: true, Complete: true, CheckedAt: r.env.Now().UTC(), Findings: []verify.Finding{}, Chains: []verify.ChainReport{}}
	for _, z := range all {
		progress := site.Bar{}
		stage := gen.ProgressStage("")
		found, err := r.client.Verify(r.ctx, ref(z), string(level), func(p gen.Progress) {
			if p.Stage != stage {
				progress.Done()
				units := site.SafeLine(string(p.Stage))
				if p.Stage == gen.ProgressStageObjects {
					units = site.InBytes
				}
				stage, progress = p.Stage, site.NewBar(r.env, r.g, "verify "+site.SafeLine(z.Name)+" "+site.SafeLine(string(p.Stage)), p.Total, units)
			}
			progress.Set(p.Done, p.Total)
		})
		progress.Done()
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", z.Name, err)
		}
		addVerification(out, z.Chain(), found)
	}
	out.Notices = []string{"this was verified by the server, with its own key: rainlogs-verify does it without having to believe it"}
	return out, nil
}

func addVerification(out *verify.Report, id evidence.ChainID, v *gen.Verification) {
	out.Archive, out.VKey, out.KeyTrust, out.CheckedAt = v.Archive, v.Vkey, v.KeyTrust, v.CheckedAt
	out.Entries += v.Entries
	out.Objects += v.Objects
	out.ObjectsDue += v.ObjectsDue
	out.Bytes += v.Bytes
	out.BytesDue += v.BytesDue
	out.Content += v.Content
	out.Encrypted += optional(v.Encrypted)
	out.More += optional(v.MoreFindings)
	out.Intact = out.Intact && v.Intact
	out.Complete = out.Complete && v.Complete
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, verify.Finding{Code: f.Code, Chain: id.String(), Seq: f.Seq, Key: optional(f.Key), Text: f.Text})
	}
	if v.Chain == nil {
		return
	}
	c := verify.ChainReport{
		Chain: id.String(), Size: v.Chain.Size, Root: v.Chain.Root, VKey: v.Chain.Vkey, Windows: v.Chain.Windows, Gaps: v.Chain.Gaps, Expired: v.Chain.Expired,
		Lines: v.Chain.Lines, First: optional(v.Chain.First), Last: optional(v.Chain.Last), Complete: v.Complete, Remembered: -1, Segments: []verify.Segment{},
	}
	for _, s := range v.Chain.Coverage {
		c.Segments = append(c.Segments, verify.Segment{From: s.From, To: s.To, State: verify.State(s.State), Reason: optional(s.Reason), Windows: int(s.Windows), Lines: s.Lines})
	}
	out.Chains = append(out.Chains, c)
}

func (r *remote) heads(zones []string) ([]api.Chain, error) {
	all, err := r.zonesOf(zones)
	if err != nil {
		return nil, err
	}
	out := make([]api.Chain, len(all))
	for i, z := range all {
		if out[i], err = r.head(z); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *remote) head(z catalog.Zone) (api.Chain, error) {
	c, err := r.client.Chain(r.ctx, ref(z))
	if err != nil {
		return api.Chain{}, fmt.Errorf("read head: %w", err)
	}
	return api.Chain{
		Zone: c.Zone, Dataset: c.Dataset, Archive: c.Archive, Origin: c.Origin, Key: c.Vkey, Size: c.Size,
		LastHash: optional(c.LastHash), Checkpoint: optional(c.Checkpoint),
	}, nil
}

// cat writes the records of a job, as they were received.
func (r *remote) cat(job string, raw bool) error {
	if raw {
		return site.Usagef("--raw: over the API the records come unpacked")
	}
	d, err := r.client.Download(r.ctx, job)
	if err != nil {
		return err //nolint:wrapcheck // names the job already
	}
	out := r.env.Data()
	_, err = io.Copy(out, d)
	if err = errors.Join(err, out.Close(), d.Close()); err != nil {
		return fmt.Errorf("download %s: %w", job, err)
	}
	return nil
}
