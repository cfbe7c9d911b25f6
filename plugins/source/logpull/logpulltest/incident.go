package logpulltest

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Phase is a step of the planted incident.
type Phase uint8

// The phases, in the order in which they happen.
const (
	NoPhase        Phase = iota
	PhaseScan            // one client asks for many paths that do not exist
	PhaseStuffing        // many clients of one network try logins, some work
	PhaseInjection       // one client injects SQL: errors first, then answers
	PhaseExport          // the same client takes the data out
)

func (p Phase) String() string {
	return [...]string{"none", "scan", "stuffing", "injection", "export"}[p]
}

// IncidentConfig says when the planted incident happens and how large it is.
type IncidentConfig struct {
	// Start is when the first of its records is received, taken to the minute.
	// The requests themselves are a few minutes older, as all are.
	Start time.Time
	// Duration is that of all phases together, in minutes of receive time:
	// scan 20 %, stuffing 40 %, injection 10 %, export 30 %.
	Duration time.Duration // default 5 h, at least 10 min
	// Intensity multiplies the number of requests.
	Intensity float64 // default 1
}

// The incident's parties. Their addresses are reserved for documentation and
// benchmarks (RFC 5737, RFC 2544), so that nobody real is accused.
const (
	scannerIP       = "198.51.100.23"
	injectorIP      = "203.0.113.66"
	stuffingASN     = 64496 // RFC 5398
	stuffingClients = 240
)

type phasePlan struct {
	phase     Phase
	from, to  int64   // minutes since the epoch, of receive time
	perMinute float64 // requests
}

type incidentPlan struct {
	seed     uint64
	phases   []phasePlan
	scanner  client
	injector client
	stuffers []client
}

func newIncidentPlan(cfg IncidentConfig, seed uint64) (*incidentPlan, error) {
	if cfg.Duration == 0 {
		cfg.Duration = 5 * time.Hour
	}
	if cfg.Intensity == 0 {
		cfg.Intensity = 1
	}
	if cfg.Start.IsZero() || cfg.Duration < 10*time.Minute || cfg.Intensity < 0 || cfg.Intensity > 1e6 {
		return nil, fmt.Errorf("incident %+v: needs a start, at least 10m and an intensity", cfg)
	}
	p := &incidentPlan{seed: hashOf(seed, 'i')}
	at, total := floorDiv(cfg.Start.UnixNano(), minuteNanos), int64(cfg.Duration/time.Minute)
	for _, step := range []struct {
		phase     Phase
		tenths    int64
		perMinute float64
	}{{PhaseScan, 2, 45}, {PhaseStuffing, 4, 90}, {PhaseInjection, 1, 7}, {PhaseExport, 3, 4}} {
		length := total * step.tenths / 10
		p.phases = append(p.phases, phasePlan{step.phase, at, at + length, step.perMinute * cfg.Intensity})
		at += length
	}
	p.enlist()
	return p, nil
}

// enlist makes the incident's clients.
func (p *incidentPlan) enlist() {
	vps := &network{country: "us", region: "NJ", city: "Newark", lat: "40.73566", lon: "-74.17237", asn: 64500, colo: "EWR", coloID: 11, rtt: 71}
	proxies := &network{country: "md", region: "CU", city: "Chișinău", lat: "47.00556", lon: "28.85750", asn: stuffingASN, colo: "OTP", coloID: 57, rtt: 49}
	scan := agents[len(agents)-1]
	scan.ua, scan.ja4 = "Mozilla/5.0 zgrab/0.x", "t13d280900_5d76bcb1d4c1_ba9b6b7d2b3f"
	p.scanner = client{ip: scannerIP, net: vps, who: &scan, port: 30_000}
	inject := agents[len(agents)-1]
	inject.ua, inject.ja4 = `sqlmap/1.9.10#stable (https://sqlmap.org)`, "t13d4312h1_c7886603b240_0d5f1ad3e8c4"
	p.injector = client{ip: injectorIP, net: vps, who: &inject, port: 41_000}
	stuff := agents[0]
	stuff.ja3, stuff.ja4 = "2d3854d1cbcdceece83eabd85bdcc056", "t13d1516h2_8daaf6152771_b186095e22b6"
	stuff.score = 14
	for i := range stuffingClients {
		ip := fmt.Sprintf("198.18.%d.%d", i/16, 10+i%16*13)
		p.stuffers = append(p.stuffers, client{ip: ip, net: proxies, who: &stuff, port: 20_000 + i*40})
	}
}

func (p *incidentPlan) at(minute int64) (phasePlan, bool) {
	for _, s := range p.phases {
		if minute >= s.from && minute < s.to {
			return s, true
		}
	}
	return phasePlan{}, false
}

// appendSlots adds one slot for each of the incident's requests in a minute.
func (p *incidentPlan) appendSlots(slots []Phase, minute int64) []Phase {
	step, ok := p.at(minute)
	if !ok {
		return slots
	}
	rr := rng(hashOf(p.seed, uint64(minute)))
	for range rr.poisson(step.perMinute) {
		slots = append(slots, step.phase)
	}
	return slots
}

// fill invents one request of the incident.
func (p *incidentPlan) fill(r *record, rr *rng, minute int64) {
	step, _ := p.at(minute)
	progress := float64(minute-step.from) / float64(step.to-step.from)
	r.bits, r.head, r.ratio = rr.next(), rr.between(300, 700), 100
	r.method, r.cache, r.contentType = "GET", "dynamic", "application/json"
	r.host = r.site.www
	r.waf, r.sqli, r.xss, r.rce = rr.between(50, 90), rr.between(60, 99), rr.between(60, 99), rr.between(60, 99)
	r.reqBytes = rr.between(300, 900)
	switch r.phase {
	case PhaseScan:
		p.fillScan(r, rr)
	case PhaseStuffing:
		p.fillStuffing(r, rr, progress)
	case PhaseInjection:
		p.fillInjection(r, rr, progress)
	default:
		p.fillExport(r, rr)
	}
	r.port = r.c.port + rr.below(2000)
	finish(r, rr)
}

var (
	scanStems    = []string{"admin", "backup", "config", "db", "old", "test", "staging", "private", "api/internal", "cgi-bin", "console", "jenkins", "solr", "owa", "vpn", "server-status"}
	scanSuffixes = []string{"", ".php", ".bak", ".zip", ".sql", ".tar.gz", "/.env", "/login", "/index.php", ".json", "~"}
)

func (p *incidentPlan) fillScan(r *record, rr *rng) {
	r.c, r.kind, r.contentType = &p.scanner, kindProbe, "text/html; charset=UTF-8"
	r.path = append(append(r.path, '/'), scanStems[rr.below(len(scanStems))]...)
	r.path = strconv.AppendInt(r.path, int64(rr.below(40)), 10)
	r.path = append(r.path, scanSuffixes[rr.below(len(scanSuffixes))]...)
	r.status, r.body, r.waf = 404, 2_310, rr.between(15, 45)
	if rr.chance(25) {
		r.status, r.rule = 403, hitProbe
	}
}

// fillStuffing: nearly all refused; in the last third one in thirty gets in.
func (p *incidentPlan) fillStuffing(r *record, rr *rng, progress float64) {
	r.c, r.kind, r.method = &p.stuffers[rr.below(len(p.stuffers))], kindLogin, "POST"
	r.path = append(r.path, "/login"...)
	r.status, r.body = 401, rr.between(300, 400)
	r.leaked = [...]string{"username_and_password_leaked", "password_leaked", "clean"}[rr.below(3)]
	switch {
	case progress > 0.66 && rr.chance(30):
		r.status, r.body, r.leaked = 200, rr.between(900, 1_400), "username_and_password_leaked"
	case rr.chance(8):
		r.status, r.rule = 403, hitLimit
	}
}

var injections = []string{
	"?id=1%27%20OR%20%271%27%3D%271", "?id=-1%27%20UNION%20SELECT%201%2C2%2C3--%20-",
	"?id=-1%27%20UNION%20SELECT%20table_name%2Cnull%2Cnull%20FROM%20information_schema.tables--%20-",
	"?id=-1%27%20UNION%20SELECT%20email%2Cpassword_hash%2Ciban%20FROM%20customers%20LIMIT%20",
}

// fillInjection: the first half breaks the query, the second reads through it.
func (p *incidentPlan) fillInjection(r *record, rr *rng, progress float64) {
	r.c, r.kind, r.host = &p.injector, kindAPI, r.site.api
	r.path = append(r.path, "/api/v1/products"...)
	r.uri = append(r.uri, r.path...)
	r.waf, r.sqli, r.rule = rr.between(2, 12), rr.between(1, 8), hitSQLi
	if progress < 0.5 {
		r.uri = append(r.uri, injections[rr.below(3)]...)
		r.status, r.body = 500, rr.between(600, 900)
		return
	}
	r.uri = append(r.uri, injections[3]...)
	r.uri = strconv.AppendInt(r.uri, int64(rr.below(200)*500), 10)
	r.status, r.body = 200, rr.between(180_000, 900_000)
}

func (p *incidentPlan) fillExport(r *record, rr *rng) {
	r.c, r.kind, r.host = &p.injector, kindExport, r.site.api
	r.path = append(r.path, "/api/export"...)
	r.uri = append(append(r.uri, r.path...), "?table=customers&format=csv&page="...)
	r.uri = strconv.AppendInt(r.uri, int64(rr.below(5_000)), 10)
	r.contentType, r.status, r.body = "text/csv", 200, rr.between(8_000_000, 40_000_000)
}

// Incident is the truth about what was planted, to check answers against.
type Incident struct {
	Phases []PhaseTruth // in order; those without a request in the range too
}

// PhaseTruth is one phase's share.
type PhaseTruth struct {
	Phase    Phase
	ASN      int
	Clients  []string // addresses, sorted
	Requests int64
	BytesOut int64 // sum of EdgeResponseBytes
	ByStatus map[int]int64
	// First and Last are the earliest and latest EdgeStartTimestamp, zero
	// when there was no request.
	First, Last time.Time
}

// Of returns one phase of the incident.
func (i Incident) Of(p Phase) PhaseTruth {
	for _, t := range i.Phases {
		if t.Phase == p {
			return t
		}
	}
	return PhaseTruth{Phase: p}
}

// IncidentReceived tells what of the incident is in the windows of [from, to).
func (g *Generator) IncidentReceived(from, to time.Time) Incident {
	return g.truth(from.UnixNano(), to.UnixNano(), func(r *record) int64 { return r.received })
}

// IncidentBetween tells what of the incident happened (EdgeStartTimestamp) in
// [from, to), whenever it was received.
func (g *Generator) IncidentBetween(from, to time.Time) Incident {
	return g.truth(from.UnixNano(), to.UnixNano(), func(r *record) int64 { return r.start })
}

func (g *Generator) truth(from, to int64, when func(*record) int64) Incident {
	if g.incident == nil {
		return Incident{}
	}
	var out Incident
	r := &record{site: &g.site}
	planted := func(p Phase) bool { return p != NoPhase }
	for _, step := range g.incident.phases {
		t := PhaseTruth{Phase: step.phase, ByStatus: map[int]int64{}}
		clients := map[string]bool{}
		for minute := step.from; minute < step.to; minute++ {
			g.minute(minute, r, planted, func(r *record) bool {
				if at := when(r); at >= from && at < to {
					t.add(r)
					clients[r.c.ip] = true
				}
				return true
			})
		}
		for ip := range clients {
			t.Clients = append(t.Clients, ip)
		}
		slices.Sort(t.Clients)
		out.Phases = append(out.Phases, t)
	}
	return out
}

func (t *PhaseTruth) add(r *record) {
	t.ASN = r.c.net.asn
	t.Requests++
	t.BytesOut += int64(r.body + r.head)
	t.ByStatus[r.status]++
	at := time.Unix(0, r.start).UTC()
	if t.First.IsZero() || at.Before(t.First) {
		t.First = at
	}
	if at.After(t.Last) {
		t.Last = at
	}
}
