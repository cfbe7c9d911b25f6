package api

import (
	"log/slog"
	"time"
)

// Customer is a tenant.
type Customer struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Sources   []string  `json:"sources" nullable:"false" doc:"the config's sources that it may collect from"`
	CreatedAt time.Time `json:"created_at"`
}

// NewCustomer asks for a customer.
type NewCustomer struct {
	Name    string   `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\p{C}]+$" doc:"for people"`
	Sources []string `json:"sources,omitempty" nullable:"false" maxItems:"32" doc:"the config's sources that it may collect from; only with a registration token"`
}

// Registered is a customer that was just made. Its key's secret is shown this once.
type Registered struct {
	Customer Customer  `json:"customer"`
	Key      KeySecret `json:"api_key"`
}

// Source is what a customer may collect from. Its token is never shown.
type Source struct {
	Name       string    `json:"name"`
	Own        bool      `json:"own" doc:"by a token that the customer has brought; else it is of the server's config"`
	Plugin     string    `json:"plugin,omitempty" doc:"that collects with it"`
	CreatedAt  time.Time `json:"created_at,omitzero"`
	TokenSetAt time.Time `json:"token_set_at,omitzero" doc:"when the token was last given"`
}

// Sources are a customer's.
type Sources struct {
	Sources []Source `json:"sources" nullable:"false"`
}

// SourceToken brings a token.
type SourceToken struct {
	Token Secret `json:"token" minLength:"20" maxLength:"4096" pattern:"^[!-~]+$" writeOnly:"true" doc:"an API token of Cloudflare's with the zone permission Logs Read and no other; it is kept encrypted, and never shown"`
}

// Secret is a text that goes over the wire and is printed nowhere else.
type Secret string

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Key is an API key, without its secret.
type Key struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"admin,operator,analyst,auditor"`
	Prefix    string    `json:"prefix" doc:"the part of the key between the underscores; no secret"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	UsedAt    time.Time `json:"last_used_at,omitzero" doc:"to the minute"`
}

// NewKey asks for a key.
type NewKey struct {
	Name      string    `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\p{C}]+$" doc:"for people"`
	Role      string    `json:"role" enum:"admin,operator,analyst,auditor"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"when it stops to work; without it, never"`
}

// Rotation asks for a key in the place of another.
type Rotation struct {
	Overlap int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" doc:"how long the old key still works"`
}

// KeySecret is a key with its secret, which is shown once and kept nowhere.
type KeySecret struct {
	Key
	Secret string `json:"secret" doc:"the key itself, for Authorization: Bearer; shown this once"`
}

// Keys are a customer's.
type Keys struct {
	Keys []Key `json:"api_keys" nullable:"false"`
}

// Me is who asks.
type Me struct {
	Customer Customer `json:"customer"`
	Key      Key      `json:"api_key"`
}

// Zone is a zone under collection.
type Zone struct {
	ID         string    `json:"id" doc:"names the zone here and in the archive"`
	Name       string    `json:"name"`
	Dataset    string    `json:"dataset"`
	Source     string    `json:"source"`
	SourceZone string    `json:"source_zone" doc:"what the source calls it: Cloudflare's zone id"`
	Paused     bool      `json:"paused"`
	Schedule   string    `json:"schedule,omitempty" doc:"a cron expression in UTC; without it, the collector's"`
	From       time.Time `json:"from,omitzero" doc:"where collection begins"`
	AddedAt    time.Time `json:"added_at"`
	Blocked    string    `json:"blocked,omitempty" doc:"why collection waits for somebody"`
	Detail     string    `json:"blocked_detail,omitempty"`
	Since      time.Time `json:"blocked_since,omitzero"`
}

// NewZone asks for a zone to be collected.
type NewZone struct {
	SourceZone string    `json:"source_zone" minLength:"1" maxLength:"200" pattern:"^[A-Za-z0-9._:/-]+$" doc:"what the source calls it: Cloudflare's zone id"`
	Name       string    `json:"name" minLength:"1" maxLength:"253" pattern:"^[A-Za-z0-9._-]+$" doc:"such as example.com"`
	Dataset    string    `json:"dataset,omitempty" maxLength:"64" pattern:"^[a-z0-9_]+$" default:"http_requests"`
	Source     string    `json:"source,omitempty" maxLength:"64" pattern:"^[a-z0-9_-]+$" default:"logpull" doc:"its name in the server's config"`
	Schedule   string    `json:"schedule,omitempty" maxLength:"200" doc:"a cron expression in UTC"`
	From       time.Time `json:"from,omitzero" doc:"where collection begins; without it, the collector's backfill"`
}

// ZonePatch changes what is given.
type ZonePatch struct {
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"253" pattern:"^[A-Za-z0-9._-]+$"`
	Paused   *bool   `json:"paused,omitempty"`
	Schedule *string `json:"schedule,omitempty" maxLength:"200"`
}

// Zones are a customer's.
type Zones struct {
	Zones []Zone `json:"zones" nullable:"false"`
}

// Backlog is how far the collecting of a customer's zones is.
type Backlog struct {
	Zones []ZoneBacklog `json:"zones" nullable:"false"`
}

// ZoneBacklog is how far the collecting of a zone is.
type ZoneBacklog struct {
	Zone        string           `json:"zone"`
	Dataset     string           `json:"dataset"`
	SealedUntil time.Time        `json:"sealed_until" doc:"all before is sealed; with no windows yet, where collection begins"`
	Open        map[string]int64 `json:"open" nullable:"false" doc:"how many windows are neither sealed nor given up, by state"`
	OldestOpen  time.Time        `json:"oldest_open,omitzero" doc:"the start of the oldest of these"`
	NotBefore   time.Time        `json:"not_before,omitzero" doc:"nothing is asked of the source before"`
	ProbedAt    time.Time        `json:"probed_at,omitzero" doc:"when the source was last asked about the zone itself"`
}

// Job is a window of a zone's ledger: what was to be collected of one stretch of time.
type Job struct {
	ID       string    `json:"id"`
	Zone     string    `json:"zone"`
	Dataset  string    `json:"dataset"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to" doc:"exclusive"`
	State    string    `json:"state" enum:"planned,pulling,sealed,retrying,blocked,lost"`
	Attempts int       `json:"attempts" doc:"failed ones"`
	NextAt   time.Time `json:"next_at,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Seq      *int64    `json:"seq,omitempty" doc:"its entry in the chain, once sealed or lost"`
	Lines    int64     `json:"lines"`
	Bytes    int64     `json:"bytes" doc:"of the records, unpacked"`
	Object   string    `json:"object" enum:"kept,expiring,removed"`
}

// Jobs are a page of them, the latest first.
type Jobs struct {
	Jobs []Job  `json:"jobs" nullable:"false"`
	Next string `json:"next,omitempty" doc:"the cursor of the next page; absent on the last one"`
}

// Pulled is what a pull has set going.
type Pulled struct {
	Queued int `json:"queued" doc:"windows that are due and were not in the queue yet"`
}

// Span is a stretch of time in which all windows are in one state.
type Span struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to" doc:"exclusive"`
	State   string    `json:"state" enum:"planned,pulling,sealed,retrying,blocked,lost,missing" doc:"missing: not in the ledger"`
	Reason  string    `json:"reason,omitempty"`
	Windows int64     `json:"windows"`
	Lines   int64     `json:"lines"`
	Bytes   int64     `json:"bytes"`
}

// Coverage says what of a range is sealed.
type Coverage struct {
	Zone          string    `json:"zone"`
	Dataset       string    `json:"dataset"`
	From          time.Time `json:"from"`
	To            time.Time `json:"to"`
	Complete      bool      `json:"complete" doc:"all of the range is sealed"`
	SealedSeconds int64     `json:"sealed_seconds"`
	TotalSeconds  int64     `json:"total_seconds"`
	Spans         []Span    `json:"spans" nullable:"false"`
}

// Chain is a zone's chain as this collector last committed it.
type Chain struct {
	Zone       string `json:"zone"`
	Dataset    string `json:"dataset"`
	Archive    string `json:"archive"`
	Origin     string `json:"origin"`
	Key        string `json:"vkey" doc:"the archive's public key, as signed notes have it"`
	Size       int64  `json:"size" doc:"entries"`
	LastHash   string `json:"last_hash,omitempty" doc:"SHA-256 of the last entry"`
	Checkpoint string `json:"checkpoint,omitempty" doc:"the signed note"`
}

// Event is an act that was to change something.
type Event struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Key       string    `json:"api_key,omitempty" doc:"the id of the key that was used"`
	Action    string    `json:"action"`
	Subject   string    `json:"subject,omitempty"`
	Outcome   string    `json:"outcome,omitempty" doc:"the HTTP status; absent if the act goes on, or the server died over it"`
	RequestID string    `json:"request_id"`
	Address   string    `json:"address"`
}

// Events are a page of them, the latest first.
type Events struct {
	Events []Event `json:"events" nullable:"false"`
	Next   string  `json:"next,omitempty"`
}

// Progress is how far a verification is: the data of an event progress.
type Progress struct {
	Stage    string `json:"stage" enum:"entries,objects"`
	Done     int64  `json:"done"`
	Total    int64  `json:"total" doc:"entries, or stored bytes"`
	Findings int64  `json:"findings"`
}

// Verification is what a verification found: the data of the event report.
type Verification struct {
	Zone      string          `json:"zone"`
	Dataset   string          `json:"dataset"`
	Level     string          `json:"level"`
	KeyTrust  string          `json:"key_trust"`
	Entries   int64           `json:"entries"`
	Objects   int64           `json:"objects"`
	Bytes     int64           `json:"bytes" doc:"stored bytes read"`
	Intact    bool            `json:"intact"`
	Complete  bool            `json:"complete" doc:"without gap, hole or overlap"`
	Findings  []VerifyFinding `json:"findings" nullable:"false"`
	More      int64           `json:"more_findings,omitempty"`
	CheckedAt time.Time       `json:"checked_at"`

	Archive    string         `json:"archive"`
	VKey       string         `json:"vkey" doc:"the key that was trusted"`
	ObjectsDue int64          `json:"objects_due" doc:"objects that there are to be read"`
	BytesDue   int64          `json:"bytes_due"`
	Content    int64          `json:"content" doc:"bytes of records that were measured"`
	Encrypted  int64          `json:"encrypted,omitempty" doc:"objects whose records were not checked"`
	Chain      *VerifiedChain `json:"chain,omitempty" doc:"absent if the chain could not be read"`
}

// VerifiedChain is what a verification counted of a chain.
type VerifiedChain struct {
	Size     int64          `json:"size" doc:"entries"`
	Root     string         `json:"root" doc:"base64, as in the checkpoint"`
	VKey     string         `json:"vkey" doc:"the key in force at the head"`
	Windows  int64          `json:"windows"`
	Gaps     int64          `json:"gaps"`
	Expired  int64          `json:"expired"`
	Lines    int64          `json:"lines"`
	First    time.Time      `json:"first,omitzero"`
	Last     time.Time      `json:"last,omitzero"`
	Coverage []VerifiedSpan `json:"coverage" nullable:"false"`
}

// VerifiedSpan is a stretch of one state, by the chain itself.
type VerifiedSpan struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	State   string    `json:"state" enum:"collected,empty,gap,missing,overlapping,expired"`
	Reason  string    `json:"reason,omitempty"`
	Windows int       `json:"windows"`
	Lines   int64     `json:"lines"`
}

// VerifyFinding is one thing that is not as it should be.
type VerifyFinding struct {
	Code string `json:"code"`
	Seq  int64  `json:"seq" doc:"the entry, -1 if none"`
	Key  string `json:"key,omitempty" doc:"the object it is about"`
	Text string `json:"text"`
}

// Removed names a zone that is collected no longer: the data of an event removed.
type Removed struct {
	ID      string `json:"id"`
	Dataset string `json:"dataset"`
}

// Grown is how long a zone's chain is: the data of an event chain.
type Grown struct {
	ID      string `json:"id"`
	Dataset string `json:"dataset"`
	Size    int64  `json:"size" doc:"entries"`
}
