package logpull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// expirySoon is how long before its end a token is warned about.
const expirySoon = 14 * 24 * time.Hour

// Probe asks what will work for a zone. A token that can do no more than it
// should cannot read the zone's name, plan or account: such checks are Unknown,
// not failed. The error is for a service that cannot be reached at all.
func (s *Source) Probe(ctx context.Context, zone string) (source.Report, error) {
	if !zoneForm.MatchString(zone) {
		return source.Report{}, &source.Error{
			Op: "probe", Class: source.ClassBug, Msg: fmt.Sprintf("zone %.40q is not an id of 32 hexadecimal digits", zone),
		}
	}
	p := prober{s: s, zone: zone}
	token := p.token(ctx)
	zoneCheck := p.zoneInfo(ctx)
	permission, fields := p.fields(ctx)
	retention := p.retention(ctx)
	boundary := p.boundary(ctx)
	if err := ctx.Err(); err != nil {
		return source.Report{}, fmt.Errorf("probe: %w", err)
	}
	if !p.answered {
		return source.Report{}, p.last
	}
	if token.Status == source.Fail && permission.Status == source.OK {
		// A token that belongs to an account is not known to the user's endpoint.
		token.Status, token.Value, token.Remedy = source.Unknown, "works", ""
		token.Detail = "the token cannot be verified as a user's, but it reads logs"
	}
	p.report.Checks = []source.Check{token, zoneCheck, permission, retention, boundary, fields, p.clock.check()}
	return p.report, nil
}

// prober collects one report.
type prober struct {
	s        *Source
	zone     string
	account  string // "" if the token may not know
	report   source.Report
	clock    clock
	answered bool  // the service has said something
	last     error // of a request without an answer
}

// get asks and notes whether there was an answer at all.
func (p *prober) get(ctx context.Context, path string, into any) error {
	r := request{op: "probe", path: path, heard: p.clock.hear}
	if strings.Contains(path, "/logs/control/retention/") {
		b := p.s.budget.zone(p.zone) // whether it counts for the zone is not documented
		r.windows, r.shut = []*window{b.requests}, b.requests
	}
	return p.note(p.s.getJSON(ctx, r, into))
}

func (p *prober) note(err error) error {
	var refused *refusedError
	if err == nil || errors.As(err, &refused) {
		p.answered = true
	} else {
		p.last = err
	}
	return err
}

// failed turns an error into a check: what only an operator can change has
// failed, of the rest nothing is known.
func failed(name string, err error) source.Check {
	c := source.Check{Name: name, Status: source.Unknown, Detail: err.Error(), Remedy: "try again"}
	var e *source.Error
	if !errors.As(err, &e) {
		return c
	}
	if e.Msg != "" {
		c.Detail = e.Msg
	}
	if e.Hint != "" {
		c.Remedy = e.Hint
	}
	if e.Class == source.ClassBlocked {
		c.Status = source.Fail
	}
	return c
}

// notPermitted makes a refused look at a thing that the token need not see an
// Unknown.
func notPermitted(c source.Check, err error, remedy string) source.Check {
	var refused *refusedError
	if errors.As(err, &refused) && (refused.status == http.StatusForbidden || refused.status == http.StatusUnauthorized || refused.status == http.StatusNotFound) {
		c.Status, c.Remedy = source.Unknown, remedy
	}
	return c
}

// token: developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/
func (p *prober) token(ctx context.Context) source.Check {
	var answer struct {
		Result struct {
			Status    string    `json:"status"`
			ExpiresOn time.Time `json:"expires_on"`
		} `json:"result"`
	}
	if err := p.get(ctx, "/user/tokens/verify", &answer); err != nil {
		return failed("token", err)
	}
	status := p.s.clip(answer.Result.Status)
	c := source.Check{Name: "token", Status: source.OK, Value: status, Detail: "the token is " + status}
	end := answer.Result.ExpiresOn
	switch {
	case answer.Result.Status != "active":
		c.Status, c.Remedy = source.Fail, hintToken
	case !end.IsZero() && time.Until(end) < expirySoon:
		c.Status, c.Remedy = source.Warn, "extend the token, or set a new one, before it expires"
		c.Detail = "the token expires on " + end.UTC().Format(time.RFC3339)
	}
	return c
}

// zoneInfo reads the zone's name, plan and account.
func (p *prober) zoneInfo(ctx context.Context) source.Check {
	var answer struct {
		Result struct {
			Name    string `json:"name"`
			Status  string `json:"status"`
			Account struct {
				ID string `json:"id"`
			} `json:"account"`
			Plan struct {
				Name     string `json:"name"`
				LegacyID string `json:"legacy_id"`
			} `json:"plan"`
		} `json:"result"`
	}
	if err := p.get(ctx, "/zones/"+p.zone, &answer); err != nil {
		c := failed("zone", err)
		return notPermitted(c, err, "name, plan and boundary are not known without the zone permission Zone Read; logs need only Logs Read")
	}
	z := answer.Result
	p.report.ZoneName = p.s.clip(z.Name)
	if zoneForm.MatchString(z.Account.ID) {
		p.account = z.Account.ID
	}
	plan := p.s.clip(z.Plan.LegacyID)
	c := source.Check{
		Name: "zone", Status: source.OK, Value: plan,
		Detail: fmt.Sprintf("%s, %s, %s", p.report.ZoneName, p.s.clip(z.Status), p.s.clip(z.Plan.Name)),
	}
	if plan != "enterprise" {
		c.Status, c.Remedy = source.Warn, "Logpull is part of the Enterprise plan only; Logpush is part of all plans"
	}
	return c
}

// fields asks for the list of fields, which needs the same permission as the
// logs.
func (p *prober) fields(ctx context.Context) (permission, fields source.Check) {
	names, err := p.s.askFields(ctx, "probe", p.zone)
	if p.note(err) != nil {
		permission = failed("permission", err)
		return permission, source.Check{
			Name: "fields", Status: source.Unknown, Detail: "the list of fields cannot be read", Remedy: permission.Remedy,
		}
	}
	p.report.Fields = names
	permission = source.Check{Name: "permission", Status: source.OK, Value: "true", Detail: "the token reads logs of this zone"}
	fields = source.Check{
		Name: "fields", Status: source.OK, Value: fmt.Sprintf("%d fields", len(names)),
		Detail: fmt.Sprintf("the zone offers %d fields", len(names)),
	}
	var missing []string
	for _, n := range p.s.cfg.Fields {
		if !slices.Contains(names, n) {
			missing = append(missing, n)
		}
	}
	if missing != nil {
		fields.Status, fields.Remedy = source.Fail, "take them out of the source's fields, or set fields to all"
		fields.Detail += "; not among them: " + p.s.clip(strings.Join(missing, ", "))
	}
	return permission, fields
}

// retention: the documentation shows a bare object, the API's description the
// usual wrapper (developers.cloudflare.com/logs/logpull/enabling-log-retention/).
func (p *prober) retention(ctx context.Context) source.Check {
	var answer struct {
		Flag   *bool `json:"flag"`
		Result struct {
			Flag *bool `json:"flag"`
		} `json:"result"`
	}
	if err := p.get(ctx, "/zones/"+p.zone+"/logs/control/retention/flag", &answer); err != nil {
		return failed("retention", err)
	}
	flag := answer.Flag
	if flag == nil {
		flag = answer.Result.Flag
	}
	switch {
	case flag == nil:
		return failed("retention", badAnswer("probe", errors.New("there is no flag in it")))
	case !*flag:
		return source.Check{
			Name: "retention", Status: source.Fail, Value: "false", Remedy: hintRetention,
			Detail: "log retention is off: Cloudflare keeps nothing of this zone to pull",
		}
	}
	return source.Check{Name: "retention", Status: source.OK, Value: "true", Detail: "log retention is on"}
}

// boundary reads the account's Customer Metadata Boundary. Without the US in
// it there is no Logpull (developers.cloudflare.com/data-localization/limitations/).
func (p *prober) boundary(ctx context.Context) source.Check {
	const allow = "give the token the account permission Account Logs Read and the zone permission Zone Read, or look it up in the dashboard"
	if p.account == "" {
		return source.Check{Name: "boundary", Status: source.Unknown, Detail: "the zone's account is not known", Remedy: allow}
	}
	var answer struct {
		Result struct {
			Regions json.RawMessage `json:"regions"`
		} `json:"result"`
	}
	if err := p.get(ctx, "/accounts/"+p.account+"/logs/control/cmb/config", &answer); err != nil {
		return notPermitted(failed("boundary", err), err, allow)
	}
	regions, ok := parseRegions(answer.Result.Regions)
	if !ok {
		return failed("boundary", badAnswer("probe", errors.New("its regions are neither a text nor a list")))
	}
	c := source.Check{Name: "boundary", Status: source.OK, Value: p.s.clip(strings.Join(regions, ","))}
	switch {
	case len(regions) == 0:
		c.Value, c.Detail = "none", "there is no Customer Metadata Boundary: Cloudflare also processes the logs in the US"
	case slices.Contains(regions, "us"):
		c.Detail = "the Customer Metadata Boundary includes the US: Cloudflare also processes the logs there"
	default:
		c.Status, c.Remedy = source.Fail, hintBoundary
		c.Detail = fmt.Sprintf("the Customer Metadata Boundary is %s only", c.Value)
	}
	return c
}

// parseRegions takes "eu", "us,eu", ["us","eu"] and nothing at all.
func parseRegions(raw json.RawMessage) (regions []string, ok bool) {
	var list []string // stays empty for null
	if len(raw) > 0 && json.Unmarshal(raw, &list) != nil {
		var one string
		if json.Unmarshal(raw, &one) != nil {
			return nil, false
		}
		list = strings.Split(one, ",")
	}
	for _, r := range list {
		if r = strings.ToLower(strings.TrimSpace(r)); r != "" {
			regions = append(regions, r)
		}
	}
	return regions, true
}
