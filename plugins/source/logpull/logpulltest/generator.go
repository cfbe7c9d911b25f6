package logpulltest

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"
)

// GeneratorConfig says what traffic a Generator invents.
type GeneratorConfig struct {
	Seed uint64
	// Zone is the zone's readable name; hosts are made from it. Two generators
	// of one seed and different zones have different records.
	Zone string // default "example.eu"
	// RecordsPerDay is the mean over a week, the incident not counted.
	RecordsPerDay int // default 1,000,000
	// Clients is the number of different visitors.
	Clients int // default 20,000, at most 100,000
	// Incident plants an attack, nil for none.
	Incident *IncidentConfig
}

const (
	maxClients = 100_000
	// subrequestShare is how many Workers subrequests come with one visitor's
	// request, on average: the mix of kinds in traffic.go.
	subrequestShare = 0.125
	minuteNanos     = int64(time.Minute)
)

func (c GeneratorConfig) withDefaults() GeneratorConfig {
	if c.Zone == "" {
		c.Zone = "example.eu"
	}
	if c.RecordsPerDay == 0 {
		c.RecordsPerDay = 1_000_000
	}
	if c.Clients == 0 {
		c.Clients = 20_000
	}
	return c
}

func (c GeneratorConfig) validate() error {
	switch {
	case c.RecordsPerDay < 0 || c.RecordsPerDay > 10_000_000_000:
		return fmt.Errorf("records per day %d: out of range", c.RecordsPerDay)
	case c.Clients < 1 || c.Clients > maxClients:
		return fmt.Errorf("clients %d: out of range 1 to %d", c.Clients, maxClients)
	case len(c.Zone) > 200:
		return errors.New("zone name longer than 200 bytes")
	}
	return nil
}

// Generator invents http_requests traffic. Each minute of receive time has its
// own random stream, derived from the seed, the zone and the minute alone; so
// the records of a window are the same in whatever order windows are asked
// for, and nothing is kept between calls.
type Generator struct {
	cfg      GeneratorConfig
	seed     uint64
	site     site
	clients  []client
	popular  *zipf
	incident *incidentPlan
}

var _ Records = (*Generator)(nil)

// NewGenerator builds the population of visitors. The same config gives the
// same traffic.
func NewGenerator(cfg GeneratorConfig) (*Generator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure generator: %w", err)
	}
	seed := hashOf(cfg.Seed, hashString(cfg.Zone))
	g := &Generator{
		cfg: cfg, seed: seed, site: newSite(cfg.Zone),
		clients: buildClients(seed, cfg.Clients), popular: newZipf(cfg.Clients, 1.02),
	}
	if cfg.Incident != nil {
		plan, err := newIncidentPlan(*cfg.Incident, seed)
		if err != nil {
			return nil, fmt.Errorf("configure generator: %w", err)
		}
		g.incident = plan
	}
	return g, nil
}

// Window implements Records.
func (g *Generator) Window(start, end time.Time, p Projection) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		var (
			cols = compile(p)
			buf  = make([]byte, 0, 8192)
			from = start.UnixNano()
			to   = end.UnixNano()
		)
		g.scan(from, to, func(r *record) bool {
			buf = appendRecord(buf[:0], r, cols)
			return yield(time.Unix(0, r.received).UTC(), buf)
		})
	}
}

// Ray implements Records: a RayID of the generator's holds its minute.
func (g *Generator) Ray(ray string, p Projection) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		id, err := strconv.ParseUint(ray, 16, 64)
		if err != nil || len(ray) != 16 {
			return
		}
		minute := int64(unray(id, g.seed) >> 32)
		cols := compile(p)
		g.scan(minute*minuteNanos, (minute+1)*minuteNanos, func(r *record) bool {
			return r.ray != id || yield(time.Unix(0, r.received).UTC(), appendRecord(nil, r, cols))
		})
	}
}

// scan calls visit for each record received in [from, to), in nanoseconds,
// in ascending order, until visit says no.
func (g *Generator) scan(from, to int64, visit func(*record) bool) {
	r := &record{site: &g.site}
	for minute := floorDiv(from, minuteNanos); minute*minuteNanos < to; minute++ {
		more := g.minute(minute, r, nil, func(r *record) bool {
			if r.received < from {
				return true
			}
			return r.received < to && visit(r)
		})
		if !more {
			return
		}
	}
}

// minute invents the records received in one minute. Each record has a slot of
// its own in the minute, which keeps them in order without sorting; a
// subrequest shares its parent's. want, if set, says which phases to invent.
func (g *Generator) minute(minute int64, r *record, want func(Phase) bool, visit func(*record) bool) bool {
	base := rng(hashOf(g.seed, 'm', uint64(minute)))
	slots := r.slots[:0]
	for range base.poisson(g.rate(minute)) {
		slots = append(slots, NoPhase)
	}
	if g.incident != nil {
		if with := g.incident.appendSlots(slots, minute); len(with) > len(slots) {
			slots = with
			for i := len(slots) - 1; i > 0; i-- {
				j := base.below(i + 1)
				slots[i], slots[j] = slots[j], slots[i]
			}
		}
	}
	r.slots = slots
	if len(slots) == 0 {
		return true
	}
	width := minuteNanos / int64(len(slots))
	for i, phase := range slots {
		rr := rng(hashOf(uint64(base), uint64(i)))
		at := minute*minuteNanos + int64(i)*width
		if want != nil && !want(phase) {
			continue
		}
		r.reset(phase, at+int64(rr.unit()*float64(width/2)))
		seq := uint64(i) << 2 // room for the subrequests
		r.ray = rayOf(minute, seq, g.seed)
		if phase == NoPhase {
			g.fill(r, &rr)
		} else {
			g.incident.fill(r, &rr, minute)
		}
		if !visit(r) {
			return false
		}
		if r.subCount > 0 && !g.subrequests(r, &rr, at+width/2, width/2, seq, visit) {
			return false
		}
	}
	return true
}

// subrequests turns r, a request that ran a Worker, into each of the requests
// that the Worker made.
func (g *Generator) subrequests(r *record, rr *rng, at, width int64, seq uint64, visit func(*record) bool) bool {
	n, parent := r.subCount, r.ray
	for k := range n {
		r.received = at + width*int64(k)/int64(n)
		// RayIDs are not unique: now and then a subrequest carries its parent's.
		if r.ray = parent; !rr.chance(4) {
			r.ray = rayOf(floorDiv(at, minuteNanos), seq+uint64(k)+1, g.seed)
		}
		g.fillSubrequest(r, rr, parent)
		if !visit(r) {
			return false
		}
	}
	return true
}

// rate is the mean number of requests in a minute (since the epoch, UTC): low
// in the night, highest in the early afternoon, less at the weekend.
func (g *Generator) rate(minute int64) float64 {
	const day = 24 * 60
	phase := 2 * math.Pi * (float64(minute%day)/day - 14.5/24)
	curve := 1 + 0.72*math.Cos(phase) + 0.12*math.Cos(2*phase+0.8)
	week := 1.09
	if d := (minute/day + 4) % 7; d == 0 || d == 6 { // day 0 was a Thursday
		week = 0.775
	}
	return float64(g.cfg.RecordsPerDay) / day * curve * week / (1 + subrequestShare)
}

// The multipliers of rayOf and their inverses modulo 2^64.
const (
	rayMul    = 0x9fb21c651e98df25
	rayMulInv = 0x2ab9c720d1024ad
)

// rayOf makes a RayID that looks random and still holds minute and number.
func rayOf(minute int64, seq, seed uint64) uint64 {
	x := uint64(minute)<<32 | seq&0xffffffff
	x ^= seed
	x *= rayMul
	x ^= x >> 32
	return x * rayMul
}

func unray(x, seed uint64) uint64 {
	x *= rayMulInv
	x ^= x >> 32
	x *= rayMulInv
	return x ^ seed
}
