package shell

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/sqltext"
	"github.com/fabriziosalmi/rainlogs/query/worker"
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

// Word is one that the engine knows.
type Word struct {
	Kind   string // view, column, keyword or function
	Name   string // a function's with its "("
	Detail string // a column's type and views, a function's parameters
}

// Vocabulary asks for the engine's words as q does, over a range without objects.
func Vocabulary(ctx context.Context, ask func(context.Context, worker.Question) (*query.Result, error), q worker.Question, now time.Time) (_ []Word, err error) {
	q.Range = dataset.Range{From: now, To: now.Add(time.Nanosecond)}
	q.SQL = `SELECT kind, name, min(detail) FROM (
		SELECT 'view' AS kind, view_name AS name, 'view' AS detail FROM duckdb_views() WHERE NOT internal
		UNION ALL SELECT 'column', column_name, min(data_type) || ' of ' || string_agg(DISTINCT table_name, ', ' ORDER BY table_name)
			FROM duckdb_columns() WHERE NOT internal GROUP BY column_name
		UNION ALL SELECT 'keyword', upper(keyword_name), 'keyword' FROM duckdb_keywords()
		UNION ALL SELECT 'function', function_name || '(', array_to_string(parameters, ', ') || ')' FROM duckdb_functions()
			WHERE function_type IN ('scalar', 'aggregate', 'macro', 'table_macro') AND regexp_full_match(function_name, '[a-z][a-z0-9_]*')
	) GROUP BY kind, name ORDER BY ALL`
	res, err := ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Close()) }()
	var out []Word
	for row, err := range res.Rows() {
		if err != nil {
			return nil, err
		}
		var w Word
		w.Kind, _ = row[0].(string)
		w.Name, _ = row[1].(string)
		w.Detail, _ = row[2].(string)
		// A column is named by whoever sent the logs.
		if w.Name != "" && site.SafeLine(w.Name) == w.Name && !strings.Contains(w.Name, "\n") {
			out = append(out, w)
		}
	}
	return out, nil
}

// Learn asks the engine for its words. Without an answer completion knows
// less, and nothing else is lost.
func (s *Shell) Learn(ctx context.Context) {
	words, err := Vocabulary(ctx, s.cfg.Ask, s.asked, s.cfg.Now())
	if err != nil {
		return
	}
	all := map[string][]string{}
	for _, w := range words {
		all[w.Kind] = append(all[w.Kind], w.Name)
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
