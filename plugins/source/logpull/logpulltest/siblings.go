package logpulltest

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"time"
)

// fields answers with a bare object, without the usual wrapper.
func (e *Emulator) fields(w http.ResponseWriter, _ *http.Request, c *call) {
	if !e.entitled(w, c) {
		return
	}
	all := make(map[string]string, len(c.zone.Fields))
	for _, f := range c.zone.Fields {
		all[f.Name] = f.Description
	}
	writeJSON(w, http.StatusOK, all)
}

var rayForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// rayids answers with none, one or several records. The data centre behind a
// hyphen is not part of a RayID and has to be taken off by the client.
func (e *Emulator) rayids(w http.ResponseWriter, r *http.Request, c *call) {
	if !e.entitled(w, c) {
		return
	}
	p, refusal := parseProjection(r.URL.Query(), c.zone.names)
	if refusal != nil {
		c.refuseText(w, refusal.kind, http.StatusBadRequest, refusal.text)
		return
	}
	ray := r.PathValue("ray")
	if !rayForm.MatchString(ray) {
		c.refuseText(w, "ray", http.StatusBadRequest, "bad query: invalid ray id")
		return
	}
	var records = c.zone.Records
	out := newBody(w, r, e.cfg.NoFinalNewline)
	if records != nil {
		oldest, newest := c.at.Add(-maxAge), c.at.Add(-minLag)
		for received, line := range records.Ray(ray, p) {
			if !received.Before(oldest) && received.Before(newest) {
				out.line(line)
			}
		}
	}
	c.Complete = out.close() == nil
	c.Served.Lines, c.Served.Bytes = out.lines, out.bytes
}

func (e *Emulator) retention(w http.ResponseWriter, _ *http.Request, c *call) {
	e.mu.Lock()
	on := c.zone.retained()
	e.mu.Unlock()
	writeResult(w, map[string]bool{"flag": on})
}

func (e *Emulator) setRetention(w http.ResponseWriter, r *http.Request, c *call) {
	var body struct {
		Flag *bool `json:"flag"`
	}
	err := json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&body)
	if err != nil || body.Flag == nil {
		c.refuseV4(w, "body", http.StatusBadRequest, v4Error{Code: 6007, Message: "Malformed JSON in request body"})
		return
	}
	e.SetRetention(c.zone.ID, *body.Flag)
	writeResult(w, map[string]bool{"flag": *body.Flag})
}

func (e *Emulator) boundary(w http.ResponseWriter, _ *http.Request, c *call) {
	writeResult(w, map[string]any{"regions": c.account.Regions, "allow_out_of_region_access": c.account.OutOfRegion})
}

func (e *Emulator) zone(w http.ResponseWriter, _ *http.Request, c *call) {
	z := c.zone.Zone
	writeResult(w, map[string]any{
		"id": z.ID, "name": z.Name, "status": "active", "paused": false, "type": "full",
		"account": map[string]string{"id": z.AccountID, "name": "Account of " + z.Name},
		"plan":    map[string]any{"id": hashID(z.Plan), "name": planName(z.Plan), "legacy_id": z.Plan, "externally_managed": z.Plan == "enterprise"},
	})
}

func planName(plan string) string {
	names := map[string]string{"free": "Free Website", "pro": "Pro Website", "business": "Business Website", "enterprise": "Enterprise Website"}
	if name := names[plan]; name != "" {
		return name
	}
	return plan
}

// verify is for bearer tokens; old-style keys have no token to verify.
func (e *Emulator) verify(w http.ResponseWriter, _ *http.Request, c *call) {
	if c.token.Email != "" {
		c.refuseV4(w, "verify", http.StatusBadRequest, v4Error{Code: 1001, Message: "Invalid API Token"})
		return
	}
	writeResult(w, map[string]string{"id": hashID(c.token.ID), "status": "active"},
		v4Error{Code: 10000, Message: "This API Token is valid and active"})
}

// hashID makes an identifier of Cloudflare's form.
func hashID(s string) string {
	return string(appendHex64(appendHex64(nil, hashString(s)), mix(hashString(s))))
}

// Bounds of the service (developers.cloudflare.com/logs/logpull/requesting-logs/);
// the least lag is the one that its refusal names.
const (
	maxAge    = 168 * time.Hour
	minLag    = time.Minute
	maxWindow = time.Hour
)
