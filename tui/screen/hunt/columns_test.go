package hunt

import "testing"

func TestLastWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"EdgeResponseStatus": "…Status", "EdgeResponseBytes": "…Bytes", "ClientRequestMethod": "…Method", "WAFSQLiAttackScore": "…Score", "ClientIP": "ClientIP",
		"ClientASNDescription": "ClientASNDescription", "first_seen_here": "…seen_here", "lowercasename": "lowercasename",
	} {
		if got := lastWords(name, 10); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := lastWords("EdgeResponseStatus", 16); got != "…ResponseStatus" {
		t.Errorf("in 16 cells: %q", got)
	}
}
