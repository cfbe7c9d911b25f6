package server

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// lastEvent takes a stream of server-sent events apart.
func (b *bundle) lastEvent(stream string) (name, data string, before int) {
	b.Helper()
	events := strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n")
	for _, e := range events {
		head, rest, ok := strings.Cut(e, "\n")
		var isEvent, isData bool
		name, isEvent = strings.CutPrefix(head, "event: ")
		data, isData = strings.CutPrefix(rest, "data: ")
		if !ok || !isEvent || !isData || !json.Valid([]byte(data)) {
			b.Fatalf("is no event: %q", e)
		}
	}
	return name, data, len(events) - 1
}

func TestVerify(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := "/v1/zones/" + b.zones[acme] + "/verify"
	key := b.keys[acme][tenant.AuditorRole]
	stream := b.want(200, "", "POST", path, key, "")
	name, data, before := b.lastEvent(stream)
	report := decode[api.Verification](b, data)
	if name != "report" || before == 0 || !report.Intact || report.Objects != 2 || report.Entries != 3 || report.KeyTrust != "pinned" || report.Level != "content" {
		t.Errorf("stream of %d events ends with %s %+v", before+1, name, report)
	}
	if strings.Contains(stream, b.zones[other]) || strings.Contains(stream, b.zones[tenant.Operator]) {
		t.Errorf("tells of others: %s", stream)
	}
	// What is wrong with another's is not told; what is wrong with one's own is.
	for k, file := range b.archive.Files {
		if strings.Contains(k, b.zones[other]) {
			file[len(file)/2] ^= 1
		}
	}
	_, data, _ = b.lastEvent(b.want(200, "", "POST", path+"?level=objects", key, ""))
	if report = decode[api.Verification](b, data); !report.Intact || len(report.Findings) != 0 {
		t.Errorf("with another's damage: %+v", report)
	}
	for k, file := range b.archive.Files {
		if strings.Contains(k, b.zones[acme]) && strings.HasSuffix(k, ".zst") {
			file[len(file)/2] ^= 1
		}
	}
	_, data, _ = b.lastEvent(b.want(200, "", "POST", path+"?level=objects", key, ""))
	if report = decode[api.Verification](b, data); report.Intact || len(report.Findings) != 2 || !strings.Contains(report.Findings[0].Key, b.zones[acme]) {
		t.Errorf("with damage: %+v", report)
	}
	b.want(422, api.CodeInvalid, "POST", path+"?level=all", key, "")
	events := decode[api.Events](b, b.want(200, "", "GET", "/v1/audit", key, ""))
	if len(events.Events) != 4 || events.Events[1].Action != "zone.verify" {
		t.Errorf("events are %+v", events)
	}
}

// Verifications are few at a time, and one that ends makes room.
func TestVerificationsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := "/v1/zones/" + b.zones[acme] + "/verify?level=chain"
	give := b.server.verifying.take(acme)
	b.want(409, api.CodeConflict, "POST", path, b.keys[acme][tenant.AuditorRole], "")
	b.wants(200, "POST", "/v1/zones/"+b.zones[other]+"/verify?level=chain", b.keys[other][tenant.AuditorRole], "") // not kept out by another's
	give()
	give()
	for range verifications + 1 {
		b.want(200, "", "POST", path, b.keys[acme][tenant.AuditorRole], "")
	}
}

// A verification under way ends with the daemon.
func TestVerificationIsCutOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.archive.Opened = func(key string) error {
		if strings.HasSuffix(key, ".zst") {
			select {
			case <-reading:
			default:
				close(reading)
				<-goOn
			}
		}
		return nil
	}
	stream := make(chan string)
	go func() {
		_, body := b.call("POST", "/v1/zones/"+b.zones[acme]+"/verify", b.keys[acme][tenant.AuditorRole], "")
		stream <- body
	}()
	<-reading
	b.server.mu.RLock()
	gen := b.server.now
	b.server.mu.RUnlock()
	detached := make(chan struct{})
	go func() { defer close(detached); b.detach(time.Millisecond) }()
	<-gen.ctx.Done() // its time is over
	close(goOn)
	if body := <-stream; strings.Contains(body, "event: report") {
		t.Errorf("it went on to its end: %s", body)
	}
	<-detached
}
