package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	fields := schema.Columns("http_requests", nil, nil)
	if len(fields) != 135 {
		t.Errorf("%d fields, want 135", len(fields))
	}
	got := map[string]string{}
	for _, f := range fields {
		if got[strings.ToLower(f.Name)] != "" {
			t.Errorf("%s is listed twice", f.Name)
		}
		got[strings.ToLower(f.Name)] = f.Type.SQL() + " " + f.State
	}
	for name, want := range map[string]string{
		"EdgeStartTimestamp": "TIMESTAMP_NS current", "EdgeEndTimestamp": "TIMESTAMP_NS current", "ClientIP": "VARCHAR current",
		"EdgeResponseStatus": "BIGINT current", "BotDetectionIDs": "BIGINT[] current", "BotTags": "VARCHAR[] current",
		"Cookies": "JSON current", "MatchedRules": "JSON current", "CacheReserveUsed": "BOOLEAN current",
		"EdgeResponseCompressionRatio": "DOUBLE current", "WAFFlags": "VARCHAR deprecated", "SecurityLevel": "VARCHAR removed",
		"FirewallMatchesActions": "VARCHAR[] removed", "ZoneID": "BIGINT removed", "OriginResponseTime": "BIGINT deprecated",
	} {
		if got[strings.ToLower(name)] != want {
			t.Errorf("%s is %q, want %q", name, got[strings.ToLower(name)], want)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	names := []string{"Zeta", "clientip", "alpha", "ALPHA", "_zone", "", "a\x1b[2J", `back\slash`, "inv\xffalid", strings.Repeat("x", 257), `q"uote`, "ClientIP"}
	var got []string
	for _, f := range schema.Columns("http_requests", names, []string{"_zone"})[135:] {
		if f.Type != schema.JSON || f.State != "unknown" {
			t.Errorf("%s is %s, %s", f.Name, f.Type, f.State)
		}
		got = append(got, f.Name)
	}
	if diff := cmp.Diff([]string{"ALPHA", "Zeta", `q"uote`}, got); diff != "" {
		t.Error(diff)
	}
	many := make([]string, 2*schema.MaxUnknown)
	for i := range many {
		many[i] = strings.Repeat("n", 1+i%200) + string(rune('a'+i/200))
	}
	if n := len(schema.Columns("other", many, nil)); n != schema.MaxUnknown {
		t.Errorf("%d columns from hostile names, want %d", n, schema.MaxUnknown)
	}
}
