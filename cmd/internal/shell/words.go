package shell

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/sqltext"
)

// Words are what Tab completes to. They are safe for concurrent use.
type Words struct {
	mu  sync.Mutex
	all map[string][]string // by kind, sorted

	saved []string // names, sorted; never written again
}

// newWords knows the few words that hold without asking.
func newWords() *Words {
	return &Words{all: map[string][]string{
		"view":    {"chain", "logs", "raw", "windows"},
		"keyword": {"BY", "FROM", "GROUP", "LIMIT", "ORDER", "SELECT", "WHERE"},
	}}
}

// Learn asks the engine for its words, over a range without objects. Without
// an answer completion knows less, and nothing else is lost.
func (s *Shell) Learn(ctx context.Context) {
	q := s.asked
	q.Range = dataset.Range{From: s.cfg.Now(), To: s.cfg.Now().Add(time.Nanosecond)}
	q.SQL = `SELECT DISTINCT kind, name FROM (
		SELECT 'view' AS kind, view_name AS name FROM duckdb_views() WHERE NOT internal
		UNION ALL SELECT 'column', column_name FROM duckdb_columns() WHERE NOT internal
		UNION ALL SELECT 'keyword', upper(keyword_name) FROM duckdb_keywords()
		UNION ALL SELECT 'function', function_name || '(' FROM duckdb_functions()
			WHERE function_type IN ('scalar', 'aggregate', 'macro', 'table_macro') AND regexp_full_match(function_name, '[a-z][a-z0-9_]*')
	) ORDER BY ALL`
	res, err := s.cfg.Ask(ctx, q)
	if err != nil {
		return
	}
	defer res.Close() //nolint:errcheck // only completion needs it
	all := map[string][]string{}
	for row, err := range res.Rows() {
		if err != nil {
			return
		}
		kind, _ := row[0].(string)
		name, _ := row[1].(string)
		// A column is named by whoever sent the logs.
		if name != "" && site.SafeLine(name) == name && !strings.Contains(name, "\n") {
			all[kind] = append(all[kind], name)
		}
	}
	s.Words.mu.Lock()
	defer s.Words.mu.Unlock()
	s.Words.all = all
}

// Complete returns what stands before the word at the cursor, what the word
// may become, and what stands behind it. pos counts characters.
func (w *Words) Complete(line string, pos int) (head string, list []string, tail string) {
	runes := []rune(line)
	pos = max(0, min(pos, len(runes)))
	before, tail := string(runes[:pos]), string(runes[pos:])
	start := len(before)
	for start > 0 && (sqltext.WordByte(before[start-1]) || before[start-1] == '.' && strings.TrimSpace(before[:start-1]) == "") {
		start--
	}
	head, prefix := before[:start], before[start:]
	for _, word := range w.candidates(head, prefix) {
		if len(word) >= len(prefix) && strings.EqualFold(word[:len(prefix)], prefix) {
			list = append(list, word)
		}
	}
	return head, list, tail
}

// candidates are the words that may stand behind head.
func (w *Words) candidates(head, prefix string) []string {
	before := strings.Fields(strings.ToLower(head))
	if len(before) == 0 && strings.HasPrefix(prefix, ".") {
		var out []string
		for _, c := range commands() {
			out = append(out, "."+c.name)
		}
		return out
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(before) > 0 && strings.HasPrefix(before[0], ".") {
		return w.arguments(before[0])
	}
	if len(before) > 0 && slices.Contains([]string{"from", "join"}, before[len(before)-1]) {
		return w.all["view"]
	}
	if prefix == "" {
		return nil
	}
	keywords := w.all["keyword"]
	if prefix == strings.ToLower(prefix) { // in the case that is typed
		keywords = slices.Clone(keywords)
		for i := range keywords {
			keywords[i] = strings.ToLower(keywords[i])
		}
	}
	out := slices.Concat(w.all["column"], w.all["view"], w.all["function"], keywords)
	slices.Sort(out)
	return slices.Compact(out)
}

// arguments are what a command may be given.
func (w *Words) arguments(command string) (out []string) {
	switch command {
	case ".format":
		for _, f := range format.All {
			out = append(out, string(f))
		}
	case ".timer":
		return []string{"off", "on"}
	case ".schema":
		return w.all["view"]
	case ".range", ".zone":
		return []string{"all"}
	case ".saved":
		return w.saved
	}
	return out
}
