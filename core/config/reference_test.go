package config_test

import (
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

// TestReference: each key that the reference names is one that the file takes, its
// default is what is in force without it, and its variable sets it.
func TestReference(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte("archive: {storage: [{plugin: fs, path: ./a}]}\n"), "/base", nil)
	if err != nil {
		t.Fatal(err)
	}
	values := c.Values()
	for _, s := range config.Reference() {
		if s.Doc == "" {
			t.Errorf("%s is not explained", s.Key)
		}
		if s.Env == "" { // a list or a map: what stands in it is the plugin's or the operator's
			continue
		}
		value, ok := values[s.Key]
		if !ok {
			t.Errorf("%s is no key", s.Key)
			continue
		}
		if s.Type == "text" && !strings.Contains(s.Default, "./") && s.Default != "" && value != s.Default {
			t.Errorf("%s is %q by default, the reference says %q", s.Key, value, s.Default)
		}
	}
	c, err = config.Parse([]byte("archive: {storage: [{plugin: fs, path: ./a}]}\n"), "/base", []string{"RAINLOGS_QUERY_COLUMNS_LIMIT=3GiB"})
	if err != nil || c.Query.Columns.Limit != "3GiB" {
		t.Errorf("the variable does not set it: %v, %v", c, err)
	}
}
