package logpulltest

import (
	"context"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"
)

// Permission is a right of a token, by Cloudflare's name.
type Permission string

// The permissions that matter to Logpull.
const (
	LogsRead        Permission = "Logs Read"
	LogsWrite       Permission = "Logs Write"         // change retention; includes reading
	ZoneRead        Permission = "Zone Read"          // the zone's name and plan
	AccountLogsRead Permission = "Account Logs Read"  // the metadata boundary
	AccountLogsEdit Permission = "Account Logs Write" // includes reading
)

// Token is a credential. With Email set it is an old-style API key, sent as
// X-Auth-Email and X-Auth-Key, else a bearer token.
type Token struct {
	ID          string // shown in Served; never the secret
	Value       string
	Email       string
	User        string   // whose budget it spends; default: the token's own
	Zones       []string // zone ids it is good for; empty: all
	Permissions []Permission
	Disabled    bool
}

// String and LogValue keep the secret out of logs.
func (t Token) String() string { return "token " + t.ID }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Account holds what is set for all zones of an account.
type Account struct {
	ID string
	// Regions is the Customer Metadata Boundary, comma-separated; empty is off.
	// A boundary without "us" rules Logpull out.
	Regions string
	// OutOfRegion lets the account's users read their logs from elsewhere.
	OutOfRegion bool
}

// Zone is one zone that the emulator answers for.
type Zone struct {
	ID, Name, AccountID string
	Plan                string // "enterprise" (default) or another, which has no Logpull
	// Retention is whether logs are kept from the beginning. The service's own
	// default is off.
	Retention bool
	Records   Records // nil: a zone without traffic
	Fields    []Field // what may be asked for; default LogpullFields()
}

// Config says what an Emulator serves and how.
type Config struct {
	Now      func() time.Time // default time.Now
	Seed     uint64           // of order, samples and unset fault measures
	Zones    []Zone
	Accounts []Account
	Tokens   []Token
	Limits   Limits
	Faults   Faults
	// Shuffle gives each read of a window another order of lines.
	Shuffle bool
	// NoFinalNewline leaves out the line end after the last line: the
	// documentation does not say which it is.
	NoFinalNewline bool
	// Wait is how FaultSlow waits. Default: for real.
	Wait func(context.Context, time.Duration) error
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = func(ctx context.Context, d time.Duration) error {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

// Emulator answers as the Logpull REST API does. It is safe for concurrent use
// and starts no goroutines.
type Emulator struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	seq      uint64
	zones    map[string]*zoneState
	accounts map[string]Account
	bearers  map[string]*Token
	keys     map[[2]string]*Token // by e-mail and key
	users    map[string]*userState
	tally    tally
}

var _ http.Handler = (*Emulator)(nil)

// zoneState is a zone with what has happened to it.
type zoneState struct {
	Zone
	names      map[string]bool
	switches   []retentionSwitch // ascending
	queue      []Fault
	attempts   map[[2]int64]uint64
	conditions []condition
	reads      [][2]int64 // windows that went out whole
	recent     sliding    // admitted requests of the last minute
	timeouts   sliding    // of the last hour
	punished   int64      // 429 until then, ns
	deleted    bool
}

type retentionSwitch struct {
	at int64
	on bool
}

type userState struct {
	minute, five sliding
	blocked      int64 // 429 until then, ns
}

// New builds an emulator.
func New(cfg Config) *Emulator {
	e := &Emulator{
		cfg: cfg.withDefaults(), zones: map[string]*zoneState{}, accounts: map[string]Account{},
		bearers: map[string]*Token{}, keys: map[[2]string]*Token{}, users: map[string]*userState{},
	}
	e.tally.init()
	for _, z := range cfg.Zones {
		if z.Plan == "" {
			z.Plan = "enterprise"
		}
		if z.Fields == nil {
			z.Fields = LogpullFields()
		}
		state := &zoneState{
			Zone: z, names: map[string]bool{}, attempts: map[[2]int64]uint64{},
			switches: []retentionSwitch{{math.MinInt64, z.Retention}},
		}
		for _, f := range z.Fields {
			state.names[f.Name] = true
		}
		e.zones[z.ID] = state
	}
	for _, a := range cfg.Accounts {
		e.accounts[a.ID] = a
	}
	for _, t := range cfg.Tokens {
		if t.User == "" {
			t.User = t.ID
		}
		if t.Email != "" {
			e.keys[[2]string{t.Email, t.Value}] = &t
		} else {
			e.bearers[t.Value] = &t
		}
		e.users[t.User] = &userState{}
	}
	e.mux = e.routes()
	return e
}

// ServeHTTP implements http.Handler. A FaultCut panics with
// http.ErrAbortHandler, which a server turns into a cut connection.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

func (e *Emulator) routes() *http.ServeMux {
	const v4 = "/client/v4"
	mux := http.NewServeMux()
	for _, ep := range []endpoint{
		{name: "received", pattern: "GET " + v4 + "/zones/{zone}/logs/received", need: LogsRead, logpull: true, serve: e.received},
		{name: "fields", pattern: "GET " + v4 + "/zones/{zone}/logs/received/fields", need: LogsRead, logpull: true, serve: e.fields},
		{name: "rayids", pattern: "GET " + v4 + "/zones/{zone}/logs/rayids/{ray}", need: LogsRead, logpull: true, serve: e.rayids},
		{name: "retention", pattern: "GET " + v4 + "/zones/{zone}/logs/control/retention/flag", need: LogsRead, serve: e.retention},
		{name: "retention-set", pattern: "POST " + v4 + "/zones/{zone}/logs/control/retention/flag", need: LogsWrite, serve: e.setRetention},
		{name: "zone", pattern: "GET " + v4 + "/zones/{zone}", need: ZoneRead, serve: e.zone},
		{name: "boundary", pattern: "GET " + v4 + "/accounts/{account}/logs/control/cmb/config", need: AccountLogsRead, serve: e.boundary},
		{name: "verify", pattern: "GET " + v4 + "/user/tokens/verify", serve: e.verify},
	} {
		mux.HandleFunc(ep.pattern, e.handle(ep))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c := e.begin("unknown", r)
		defer e.finish(c)
		c.refuseV4(w, "no-route", http.StatusNotFound, v4Error{Code: 7000, Message: "No route for that URI"})
	})
	return mux
}

// SetRetention switches a zone's log retention as of now. It is not
// retroactive: what is received while it is off is never to be had. It panics
// for a zone that the emulator does not have.
func (e *Emulator) SetRetention(zone string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if z := e.mustZone(zone); z.retained() != on {
		z.switches = append(z.switches, retentionSwitch{e.cfg.Now().UnixNano(), on})
	}
}

// SetDeleted takes a zone away, or brings it back with all that it had.
func (e *Emulator) SetDeleted(zone string, deleted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mustZone(zone).deleted = deleted
}

// SetFields changes what a zone offers from now on.
func (e *Emulator) SetFields(zone string, fields []Field) {
	e.mu.Lock()
	defer e.mu.Unlock()
	z := e.mustZone(zone)
	z.Fields, z.names = fields, map[string]bool{}
	for _, f := range fields {
		z.names[f.Name] = true
	}
}

// mustZone is for what a test orders: a wrong zone there is a mistake in it.
func (e *Emulator) mustZone(id string) *zoneState {
	z := e.zones[id]
	if z == nil {
		panic("logpulltest: no zone " + id)
	}
	return z
}

// SetBoundary sets an account's Customer Metadata Boundary.
func (e *Emulator) SetBoundary(account, regions string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.accounts[account]
	a.ID, a.Regions = account, regions
	e.accounts[account] = a
}

func (z *zoneState) retained() bool { return z.switches[len(z.switches)-1].on }

// Lines yields what the emulator holds for a window, in ascending order of
// receive time, without a request: what a collector must have in the end. The
// bytes are the caller's until the next step. It knows nothing of the 168 h.
func (e *Emulator) Lines(zone string, start, end time.Time, p Projection) iter.Seq2[time.Time, []byte] {
	e.mu.Lock()
	defer e.mu.Unlock()
	z := e.zones[zone]
	if z == nil || z.Records == nil {
		return func(func(time.Time, []byte) bool) {}
	}
	return z.lines(start, end, p)
}

// lines applies what has happened to the zone. The caller holds the lock; the
// sequence itself does not need it.
func (z *zoneState) lines(start, end time.Time, p Projection) iter.Seq2[time.Time, []byte] {
	switches := z.switches[:len(z.switches):len(z.switches)]
	conditions := z.conditions[:len(z.conditions):len(z.conditions)]
	source := z.Records.Window(start, end, p)
	if len(switches) == 1 && switches[0].on && len(conditions) == 0 {
		return source
	}
	return func(yield func(time.Time, []byte) bool) {
		for received, line := range source {
			at := received.UnixNano()
			kept := false
			for _, s := range switches {
				if s.at <= at {
					kept = s.on
				}
			}
			if !kept || conditionAt(conditions, at, FaultEmpty) {
				continue
			}
			if stretched(conditions, at) {
				line = stretch(line)
			}
			if !yield(received, line) {
				return
			}
		}
	}
}
