package metrics_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"
)

// told returns every name and label that the collector's metrics have.
func told(t *testing.T) (names, labels map[string]bool) {
	t.Helper()
	families, err := everything(t, someState()).Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	// Prometheus' own.
	names, labels = map[string]bool{"up": true}, map[string]bool{"job": true, "instance": true, "le": true}
	for _, f := range families {
		names[f.GetName()] = true
		if f.GetType() == dto.MetricType_HISTOGRAM {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				names[f.GetName()+suffix] = true
			}
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
	}
	return names, labels
}

var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	selectors = regexp.MustCompile(`\{[^}]*\}`)
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	groupings = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	words     = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	numbers   = regexp.MustCompile(`\b[0-9][0-9a-z.]*\b`)
	calls     = regexp.MustCompile(`[a-zA-Z_]+\s*\(`)
	keywords  = []string{"and", "or", "unless", "bool", "offset", "by"}
)

// used takes a PromQL expression apart, as far as names go.
func used(expr string) (names, labels []string) {
	expr = quoted.ReplaceAllString(expr, "")
	for _, s := range selectors.FindAllString(expr, -1) {
		labels = append(labels, words.FindAllString(s, -1)...)
	}
	expr = ranges.ReplaceAllString(selectors.ReplaceAllString(expr, ""), "")
	for _, g := range groupings.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, words.FindAllString(g[1], -1)...)
	}
	expr = calls.ReplaceAllString(numbers.ReplaceAllString(groupings.ReplaceAllString(expr, ""), ""), "(")
	for _, w := range words.FindAllString(expr, -1) {
		if !slices.Contains(keywords, w) {
			names = append(names, w)
		}
	}
	return names, labels
}

func TestUsed(t *testing.T) {
	t.Parallel()
	names, labels := used(`sum by (class) (rate(a_total{zone=~"$x and y",k="v"}[5m] offset 1h)) > 72 * 3600 or (b unless on(zone) c)`)
	if got := strings.Join(names, " "); got != "a_total b c" {
		t.Errorf("names %s", got)
	}
	if got := strings.Join(labels, " "); got != "zone k class zone" {
		t.Errorf("labels %s", got)
	}
}

// check asks that an expression uses only what the collector tells, and
// notes what it uses.
func check(t *testing.T, where, expr string, seen map[string]bool) {
	t.Helper()
	names, labels := told(t)
	usedNames, usedLabels := used(expr)
	if len(usedNames) == 0 {
		t.Errorf("%s: no metric in %q", where, expr)
	}
	for _, n := range usedNames {
		seen[n] = true
		if !names[n] {
			t.Errorf("%s: there is no metric %s", where, n)
		}
	}
	for _, l := range usedLabels {
		if !labels[l] {
			t.Errorf("%s: no metric has a label %s", where, l)
		}
	}
}

type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../deploy/prometheus/rainlogs.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file ruleFile
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	anchors := headings(t, "../../docs/operations.md")
	n, seen := 0, map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			check(t, r.Alert, r.Expr, seen)
			if s := r.Labels["severity"]; s != "page" && s != "ticket" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s lacks a summary or a description", r.Alert)
			}
			_, labels := told(t)
			for _, l := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations["summary"]+r.Annotations["description"], -1) {
				if !labels[l[1]] {
					t.Errorf("%s tells a label %s, which no metric has", r.Alert, l[1])
				}
			}
			page, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
			if !strings.HasSuffix(page, "/docs/operations.md") || !anchors[anchor] {
				t.Errorf("%s: the runbook has no %q", r.Alert, r.Annotations["runbook_url"])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d rules were looked at", n)
	}
}

// headings returns the anchors of a Markdown file.
func headings(t *testing.T, path string) map[string]bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			out[strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), " ", "-")] = true
		}
	}
	return out
}

type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name  string          `json:"name"`
			Type  string          `json:"type"`
			Query json.RawMessage `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID         int    `json:"id"`
		Title      string `json:"title"`
		Type       string `json:"type"`
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

// TestDashboard asks that every panel can show something, and that no metric
// of the collector's is left out.
func TestDashboard(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../deploy/grafana/rainlogs.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID != "rainlogs" || len(d.Templating.List) != 2 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("uid %q, variables %+v", d.UID, d.Templating.List)
	}
	seen, ids := map[string]bool{}, map[int]bool{}
	for _, v := range d.Templating.List[1:] {
		for _, n := range regexp.MustCompile(`rainlogs_\w+`).FindAllString(string(v.Query), -1) {
			check(t, "variable "+v.Name, n, seen)
		}
	}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: id %d is another panel's", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("%s: data source %q, %d targets", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, target := range p.Targets {
			check(t, p.Title, target.Expr, seen)
		}
	}
	names, _ := told(t)
	shownOtherwise := []string{
		"rainlogs_sealed_until_timestamp_seconds", // as lag
		"rainlogs_state_up",                       // as the time since
		"rainlogs_seal_duration_seconds", "rainlogs_seal_duration_seconds_sum", "rainlogs_seal_duration_seconds_count",
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if strings.HasPrefix(n, "rainlogs_") && !seen[n] && !slices.Contains(shownOtherwise, n) {
			t.Errorf("no panel shows %s", n)
		}
	}
}
