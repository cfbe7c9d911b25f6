package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api/status"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/metrics"
)

const (
	zonesOnPage = 50
	needsOnPage = 20
	jobsOfState = 20
	daysOnPage  = 31
	// lookUpTime is how long a page waits for the archive itself.
	lookUpTime = 4 * time.Second
)

// standing is all that the catalog sums up, by chain. It is others' too.
type standing struct {
	found map[evidence.ChainID]catalog.Standing
	open  map[evidence.ChainID][]catalog.Backlog
}

func (q *request) standing(ctx context.Context) (standing, error) {
	found, err := q.standings(ctx)
	if err != nil {
		return standing{}, err
	}
	all, err := q.gen.Catalog.Backlog(ctx)
	if err != nil {
		return standing{}, err //nolint:wrapcheck // says what it did
	}
	st := standing{found, map[evidence.ChainID][]catalog.Backlog{}}
	for _, b := range all {
		st.open[b.Chain] = append(st.open[b.Chain], b)
	}
	return st, nil
}

// of is how a zone stands, as far as that has been summed up.
func (st standing) of(z catalog.Zone, now time.Time) status.Zone {
	found := st.found[z.Chain()]
	out := status.Zone{ID: z.ID, Name: z.Name, Dataset: z.Dataset, Mark: status.Sealed, State: "collecting"}
	for _, b := range st.open[z.Chain()] {
		out.Open += b.Windows
	}
	switch {
	case found.Blocked != "":
		out.Mark, out.State, out.Detail = status.Blocked, "blocked ("+found.Blocked+")", found.Detail
	case z.Paused:
		out.Mark, out.State = status.Pending, "paused"
	case now.Before(found.NotBefore):
		out.Mark, out.State = status.Pending, "resting until "+found.NotBefore.UTC().Format("15:04 UTC")
	}
	return out
}

// count adds a zone to a tally.
func (st standing) count(t *status.Tally, z catalog.Zone, now time.Time) {
	t.Zones++
	found := st.found[z.Chain()]
	switch {
	case found.Blocked != "":
		t.Blocked++
	case z.Paused:
		t.Paused++
	case now.Before(found.NotBefore):
		t.Resting++
	default:
		t.Collecting++
	}
	for _, b := range st.open[z.Chain()] {
		switch b.State {
		case catalog.Planned:
			t.Planned += b.Windows
		case catalog.Pulling:
			t.Pulling += b.Windows
		case catalog.Retrying:
			t.Retrying += b.Windows
		case catalog.Blocked:
			t.Waiting += b.Windows
		case catalog.Sealed, catalog.Lost: // not open
		}
	}
}

// overview is a page of the customer's zones, by name.
func (s *Server) overview(ctx context.Context, q *request, r *http.Request) (status.View, error) {
	frame, err := s.frame(ctx, q)
	if err != nil {
		return nil, err
	}
	zones, err := q.gen.Tenants.ZonesOf(ctx, q.caller.Customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	st, err := q.standing(ctx)
	if err != nil {
		return nil, err
	}
	out := status.Overview{Frame: frame, Find: short(r.URL.Query().Get("find"), 253)}
	var found []catalog.Zone
	for _, z := range zones {
		st.count(&out.Tally, z, frame.At)
		if strings.Contains(strings.ToLower(z.Name), strings.ToLower(out.Find)) {
			found = append(found, z)
		}
		if st.found[z.Chain()].Blocked == "" {
			continue
		}
		if len(out.Attention) == needsOnPage {
			out.More++
			continue
		}
		out.Attention = append(out.Attention, st.of(z, frame.At))
	}
	out.Found, out.Pages = len(found), max(1, (len(found)+zonesOnPage-1)/zonesOnPage)
	n, _ := strconv.Atoi(r.URL.Query().Get("page")) // what is no number is the first page
	out.Page = max(1, min(n, out.Pages))
	first := (out.Page - 1) * zonesOnPage
	from := frame.At.UTC().Truncate(time.Hour).Add(-23 * time.Hour)
	for _, z := range found[first:min(len(found), first+zonesOnPage)] {
		shown, err := q.row(ctx, z, st, from, frame.At)
		if err != nil {
			return nil, err
		}
		out.Zones = append(out.Zones, shown.Zone)
	}
	return out, nil
}

// row is a zone with its hours.
type row struct {
	status.Zone
	windows []catalog.Window
	head    catalog.Head
}

func (q *request) row(ctx context.Context, z catalog.Zone, st standing, from, now time.Time) (row, error) {
	out := row{Zone: st.of(z, now)}
	var err error
	if out.SealedTo, err = metrics.SealedUntil(ctx, q.gen.Catalog, z, st.open[z.Chain()]); err != nil {
		return row{}, err //nolint:wrapcheck // says what it did
	}
	out.Lag = now.Sub(out.SealedTo)
	out.head, err = q.gen.Catalog.Head(ctx, z.Chain())
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return row{}, err //nolint:wrapcheck // says what it did
	}
	out.Size = out.head.Size
	hours := int(now.Sub(from)/time.Hour) + 1
	if out.windows, err = q.gen.Catalog.Windows(ctx, z.Chain(), from, from.Add(time.Duration(hours)*time.Hour)); err != nil {
		return row{}, err //nolint:wrapcheck // says what it did
	}
	since, _, err := q.gen.Catalog.Bounds(ctx, z.Chain())
	if err != nil {
		return row{}, err //nolint:wrapcheck // says what it did
	}
	if since.IsZero() {
		since = later(z.AddedAt, z.From)
	}
	for _, w := range out.windows {
		if w.State == catalog.Lost {
			out.Gaps++
		}
	}
	out.Hours = status.Hours(out.windows, from, hours, since, now)
	return out, nil
}

// detail is one zone. Another's is not there.
func (s *Server) detail(ctx context.Context, q *request, r *http.Request) (status.View, error) {
	z, err := q.zone(ctx, ZoneRef{ID: short(r.PathValue("id"), 64), Dataset: short(r.URL.Query().Get("dataset"), 64)})
	if err != nil {
		return nil, err
	}
	frame, err := s.frame(ctx, q)
	if err != nil {
		return nil, err
	}
	st, err := q.standing(ctx)
	if err != nil {
		return nil, err
	}
	today := frame.At.UTC().Truncate(24 * time.Hour)
	from := today.AddDate(0, 0, 1-daysOnPage)
	shown, err := q.row(ctx, z, st, from, frame.At)
	if err != nil {
		return nil, err
	}
	hours := shown.Hours
	for len(hours)%24 != 0 { // the rest of today
		hours = append(hours, status.Hour{At: from.Add(time.Duration(len(hours)) * time.Hour)})
	}
	out := status.Detail{Frame: frame, Zone: shown.Zone, Days: status.Days(hours), Jobs: unsettled(shown.windows)}
	out.Chain, err = s.chainOf(ctx, q, z, shown.head)
	return out, err
}

// unsettled are the windows that are not simply sealed, the latest first.
func unsettled(windows []catalog.Window) []status.Jobs {
	all := []status.Jobs{
		{Title: "At work", Cell: status.Pending}, {Title: "Retrying", Cell: status.Pending},
		{Title: "Blocked", Cell: status.Blocked}, {Title: "Lost", Cell: status.Gap},
	}
	at := map[catalog.State]int{catalog.Pulling: 0, catalog.Retrying: 1, catalog.Blocked: 2, catalog.Lost: 3}
	for i := len(windows) - 1; i >= 0; i-- {
		w := windows[i]
		n, ok := at[w.State]
		if !ok {
			continue
		}
		if len(all[n].List) == jobsOfState {
			all[n].More++
			continue
		}
		all[n].List = append(all[n].List, status.Job{From: w.Window.Start, To: w.Window.End, Attempts: w.Attempts, Next: w.NextAt, Reason: w.Reason, Detail: w.Detail})
	}
	return all
}

// chainOf looks the chain's last entry up in the archive: when it was sealed,
// and whether it is in the tree that is signed.
func (s *Server) chainOf(ctx context.Context, q *request, z catalog.Zone, head catalog.Head) (status.Chain, error) {
	c := status.Chain{Size: head.Size}
	if q.gen.Checked != nil {
		checked, err := q.gen.Checked(ctx)
		if err != nil {
			return c, err //nolint:wrapcheck // says what it did
		}
		c.Checked, c.Findings, c.Clean = checked.Last.At, checked.Last.Of(z.Chain()), checked.Clean
	}
	if head.Size == 0 {
		return c, nil
	}
	c.LastHash = head.LastHash.String()
	limited, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	entries, err := q.gen.Lookup.At(limited, z.Chain(), []int64{head.Size - 1})
	switch {
	case errors.Is(err, chain.ErrDamaged):
		c.Trouble = "the last entry is not the one that was signed: verify the archive"
	case err != nil:
		c.Trouble = "the archive cannot be reached"
	default:
		c.Signed, c.Proven = entries[0].SealedAt, true
		return c, nil
	}
	s.cfg.Log.WarnContext(ctx, "last entry not looked up", "request", q.id, "chain", z.Chain().String(), "error", err)
	return c, nil
}
