package logpulltest

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// endpoint is one path of the API.
type endpoint struct {
	name, pattern string
	need          Permission // "" for any valid credential
	logpull       bool       // spends Logpull's own budgets
	serve         func(http.ResponseWriter, *http.Request, *call)
}

// call is one request on its way.
type call struct {
	Served
	endpoint endpoint
	at       time.Time
	token    *Token
	zone     *zoneState
	account  Account
}

// handle does what all endpoints share: who is it, may they, how often.
func (e *Emulator) handle(ep endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := e.begin(ep.name, r)
		c.endpoint = ep
		defer e.finish(c)
		if !e.authenticate(w, r, c) || !e.admitUser(w, c) || !e.authorise(w, r, c) {
			return
		}
		if ep.logpull && !e.admitLogpull(w, c) {
			return
		}
		ep.serve(w, r, c)
	}
}

func (e *Emulator) begin(name string, r *http.Request) *call {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	at := e.cfg.Now()
	c := &call{at: at, Served: Served{Seq: e.seq, At: at, Endpoint: name, Zone: r.PathValue("zone"), Status: http.StatusOK}}
	e.tally.arrived(c, e.zones[c.Zone] != nil)
	return c
}

func (e *Emulator) finish(c *call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tally.done(c)
}

var keyForm = regexp.MustCompile(`^[0-9A-Za-z_-]{8,}$`)

func (e *Emulator) authenticate(w http.ResponseWriter, r *http.Request, c *call) bool {
	email, key := r.Header.Get("X-Auth-Email"), r.Header.Get("X-Auth-Key")
	bearer, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	var token *Token
	switch {
	case isBearer:
		token = e.bearers[bearer]
	case r.Header.Get("Authorization") != "":
		c.refuseV4(w, "auth-format", http.StatusBadRequest, v4Error{Code: 6003, Message: "Invalid request headers",
			Chain: []v4Error{{Code: 6111, Message: "Invalid format for Authorization header"}}})
		return false
	case key != "" && !keyForm.MatchString(key):
		c.refuseV4(w, "auth-format", http.StatusBadRequest, v4Error{Code: 6003, Message: "Invalid request headers",
			Chain: []v4Error{{Code: 6103, Message: "Invalid format for X-Auth-Key header"}}})
		return false
	case key != "":
		token = e.keys[[2]string{email, key}]
	}
	if token == nil || token.Disabled {
		c.refuseAuth(w, "auth", http.StatusUnauthorized)
		return false
	}
	c.token, c.Token = token, token.ID
	return true
}

// authorise looks at the token's permissions and zones. A zone that does not
// exist is answered as one that the token may not see.
func (e *Emulator) authorise(w http.ResponseWriter, r *http.Request, c *call) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ok := c.endpoint.need == "" || c.token.may(c.endpoint.need)
	if id := r.PathValue("zone"); id != "" {
		c.zone = e.zones[id]
		if c.zone == nil || c.zone.deleted || len(c.token.Zones) > 0 && !slices.Contains(c.token.Zones, id) {
			ok = false
		} else {
			c.account = e.accounts[c.zone.AccountID]
		}
	}
	if id := r.PathValue("account"); id != "" {
		var known bool
		if c.account, known = e.accounts[id]; !known {
			ok = false
		}
	}
	if !ok {
		c.refuseAuth(w, "forbidden", http.StatusForbidden)
	}
	return ok
}

func (t *Token) may(p Permission) bool {
	includes := map[Permission]Permission{LogsRead: LogsWrite, AccountLogsRead: AccountLogsEdit}
	return slices.Contains(t.Permissions, p) || includes[p] != "" && slices.Contains(t.Permissions, includes[p])
}

// v4Error is an error in Cloudflare's usual wrapper.
type v4Error struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Chain   []v4Error `json:"error_chain,omitempty"`
}

type v4Response struct {
	Success  bool      `json:"success"`
	Errors   []v4Error `json:"errors"`
	Messages []v4Error `json:"messages"`
	Result   any       `json:"result"`
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has gone away is its own affair.
	_ = json.NewEncoder(w).Encode(body)
}

func writeResult(w http.ResponseWriter, result any, messages ...v4Error) {
	writeJSON(w, http.StatusOK, v4Response{Success: true, Errors: []v4Error{}, Messages: append([]v4Error{}, messages...), Result: result})
}

func (c *call) refuseV4(w http.ResponseWriter, kind string, status int, errs ...v4Error) {
	c.Refusal, c.Status = kind, status
	writeJSON(w, status, v4Response{Errors: errs, Messages: []v4Error{}})
}

// refuseAuth is the body for a bad credential, a missing permission, a wrong
// zone and a missing entitlement alike. Retention has its own wording.
func (c *call) refuseAuth(w http.ResponseWriter, kind string, status int) {
	message := "Authentication error"
	if strings.HasPrefix(c.endpoint.name, "retention") {
		message = "Unauthorized"
	}
	c.refuseV4(w, kind, status, v4Error{Code: 10000, Message: message})
}

// refuseText is how Logpull itself refuses: as plain text.
func (c *call) refuseText(w http.ResponseWriter, kind string, status int, body string) {
	c.Refusal, c.Status = kind, status
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // as in writeJSON
}
