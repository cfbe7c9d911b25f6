package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/duckdb/bare"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

// question is one of the bench's, with FROM for what is asked.
type question struct{ name, sql string }

// of is the question as DuckDB by itself is asked it.
func (q question) of(from string) string {
	return strings.NewReplacer("FROM logs", "FROM "+from, "by_hour(", "date_trunc('hour', ").Replace(q.sql)
}

// topClients is the question of the first row, too.
var topClients = question{"top client IPs", "SELECT ClientIP, count(*) AS n FROM logs GROUP BY 1 ORDER BY n DESC, 1 LIMIT 10"}

var count = question{"count", "SELECT count(*) FROM logs"}

// questions are asked of columns. ray is one that is there.
func questions(ray string) []question {
	return []question{
		topClients,
		{"status by hour", "SELECT by_hour(EdgeStartTimestamp) AS hour, EdgeResponseStatus, count(*) FROM logs GROUP BY ALL ORDER BY ALL LIMIT 50"},
		{"by hour, date_trunc", "SELECT date_trunc('hour', EdgeStartTimestamp) AS hour, EdgeResponseStatus, count(*) FROM logs GROUP BY ALL ORDER BY ALL LIMIT 50"},
		{"one RayID", "SELECT ClientIP, ClientRequestPath, EdgeResponseStatus FROM logs WHERE RayID = '" + ray + "'"},
		count,
	}
}

// often is how many times more runs there are of what takes milliseconds: of three, neighbours of the machine decide the median.
const often = 7

// child is one measured process. What it says is the answer, or the JSON of costs.
func child(ctx context.Context, runs int, args []string, out io.Writer) error {
	s := site{args[1]}
	switch args[0] {
	case "read": // the first question, of objects
		return s.with(ctx, dataset.Range{}, nil, func(e *duckdb.Engine, d *dataset.Dataset) error {
			answer, finish, err := ask(ctx, e, d, topClients.sql)
			if err != nil {
				return err
			}
			_, err = io.WriteString(out, answer)
			return errors.Join(err, finish())
		})
	case "duckdb":
		db, err := bare.Open(ctx, 0)
		if err != nil {
			return err
		}
		answer, err := db.Query(ctx, args[2])
		_, printed := io.WriteString(out, answer)
		return errors.Join(err, printed, db.Close())
	case "build":
		return s.build(ctx)
	case "ask":
		return s.ask(ctx, often*runs, args[2], out)
	case "ask-duckdb":
		return askDuckDB(ctx, often*runs, args[1], args[2], out)
	case "hour":
		return s.hour(ctx, often*runs, out)
	case "tallies":
		return s.tallies(ctx, often*runs, out)
	}
	return fmt.Errorf("unknown child %q", args[0])
}

// chains reads and verifies the chains, as the program does.
func (s site) chains(ctx context.Context, store verify.Store) ([]dataset.Chain, error) {
	b, err := os.ReadFile(s.archive() + "/" + evidence.DescriptorKey)
	if err != nil {
		return nil, err
	}
	desc, err := evidence.DecodeDescriptor(b)
	if err != nil {
		return nil, err
	}
	read, err := chaincache.New(chaincache.Config{Dir: s.cache() + "/chain"}).ReadChains(ctx, store, desc.Archive, verify.Options{})
	if err != nil {
		return nil, err
	}
	chains := make([]dataset.Chain, len(read))
	for i, c := range read {
		chains[i] = dataset.Chain{ID: c.ID, Entries: c.Entries, Head: dataset.Head{Size: c.Report.Size, Root: c.Report.Root}}
	}
	return chains, nil
}

// with opens an engine, with columns if there is a cache of them, and a range's dataset.
func (s site) with(ctx context.Context, r dataset.Range, cache *columns.Cache, f func(*duckdb.Engine, *dataset.Dataset) error) error {
	return s.opened(ctx, cache, func(e *duckdb.Engine, open func(dataset.Range) (*dataset.Dataset, error)) error {
		d, err := open(r)
		if err != nil {
			return err
		}
		return errors.Join(f(e, d), d.Close())
	})
}

func (s site) opened(ctx context.Context, cache *columns.Cache, f func(*duckdb.Engine, func(dataset.Range) (*dataset.Dataset, error)) error) (err error) {
	store, err := fs.Open(s.archive())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	chains, err := s.chains(ctx, store)
	if err != nil {
		return err
	}
	cfg := duckdb.Config{}
	if cache != nil {
		cfg.Columns = cache
	}
	e, err := duckdb.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return f(e, func(r dataset.Range) (*dataset.Dataset, error) {
		return dataset.Open(ctx, store, chains, dataset.Options{Range: r})
	})
}

// ask returns an answer as bare.DB.Query does.
func ask(ctx context.Context, e *duckdb.Engine, d *dataset.Dataset, sql string) (string, func() error, error) {
	res, err := e.Query(ctx, query.Request{SQL: sql, Dataset: d})
	if err != nil {
		return "", nil, err
	}
	var out strings.Builder
	for row, err := range res.Rows() {
		if err != nil {
			return "", nil, errors.Join(err, res.Close())
		}
		for i, c := range row {
			if i > 0 {
				out.WriteByte('\t')
			}
			fmt.Fprint(&out, c)
		}
		out.WriteByte('\n')
	}
	return out.String(), res.Close, nil
}

func (s site) build(ctx context.Context) error {
	cache, err := columns.Open(columns.Config{Dir: s.columns()})
	if err != nil {
		return err
	}
	return s.with(ctx, dataset.Range{}, nil, func(_ *duckdb.Engine, d *dataset.Dataset) error {
		return cache.Build(ctx, d.Objects(), columns.BuildOptions{})
	})
}

// ask asks the questions in process, with columns, each with a dataset opened
// for it. The very first one compares the files with their digests.
func (s site) ask(ctx context.Context, runs int, ray string, out io.Writer) error {
	cache, err := columns.Open(columns.Config{Dir: s.columns()})
	if err != nil {
		return err
	}
	var costs []cost
	err = s.opened(ctx, cache, func(e *duckdb.Engine, open func(dataset.Range) (*dataset.Dataset, error)) error {
		for i, q := range append([]question{{"first of a process", topClients.sql}}, questions(ray)...) {
			n := runs
			if i == 0 {
				n = 1
			}
			c, err := repeat(q.name, n, e.Ready, func() (string, func() error, error) {
				d, err := open(dataset.Range{})
				if err != nil {
					return "", nil, err
				}
				answer, finish, err := ask(ctx, e, d, q.sql)
				return answer, func() error { return errors.Join(finish(), d.Close()) }, err
			})
			if err != nil {
				return err
			}
			costs = append(costs, c)
		}
		return nil
	})
	return errors.Join(err, json.NewEncoder(out).Encode(costs))
}

// askDuckDB asks the same of Parquet files that DuckDB opens by itself.
func askDuckDB(ctx context.Context, runs int, glob, ray string, out io.Writer) error {
	db, err := bare.Open(ctx, 0)
	if err != nil {
		return err
	}
	var costs []cost
	for _, q := range questions(ray) {
		c, err := repeat(q.name, runs, func() {}, func() (string, func() error, error) {
			answer, err := db.Query(ctx, q.of("read_parquet('"+glob+"')"))
			return answer, nothing, err
		})
		if err != nil {
			return errors.Join(err, db.Close())
		}
		costs = append(costs, c)
	}
	return errors.Join(db.Close(), json.NewEncoder(out).Encode(costs))
}

// hour asks for the last hour: with its dataset opened each time, and without.
func (s site) hour(ctx context.Context, runs int, out io.Writer) error {
	cache, err := columns.Open(columns.Config{Dir: s.columns()})
	if err != nil {
		return err
	}
	var costs []cost
	err = s.opened(ctx, cache, func(e *duckdb.Engine, open func(dataset.Range) (*dataset.Dataset, error)) error {
		r := dataset.Range{From: end.Add(-2 * time.Hour), To: end.Add(-time.Hour)}
		kept, err := open(r)
		if err != nil {
			return err
		}
		if _, err := repeat("", 1, e.Ready, func() (string, func() error, error) { return ask(ctx, e, kept, topClients.sql) }); err != nil {
			return err // the first, which compares digests
		}
		for _, anew := range []bool{false, true} {
			c, err := repeat(fmt.Sprint(anew), runs, e.Ready, func() (string, func() error, error) {
				d := kept
				if anew {
					if d, err = open(r); err != nil {
						return "", nil, err
					}
				}
				return ask(ctx, e, d, topClients.sql)
			})
			if err != nil {
				return err
			}
			costs = append(costs, c)
		}
		return nil
	})
	return errors.Join(err, json.NewEncoder(out).Encode(costs))
}

// tallies asks for totals and days: of the chain as it is in memory, and with
// the chain read and verified each time.
func (s site) tallies(ctx context.Context, runs int, out io.Writer) error {
	store, err := fs.Open(s.archive())
	if err != nil {
		return err
	}
	kept, err := s.chains(ctx, store)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	var costs []cost
	for _, anew := range []bool{false, true} {
		c, err := repeat(fmt.Sprint(anew), runs, func() {}, func() (string, func() error, error) {
			chains := kept
			if anew {
				if chains, err = s.chains(ctx, store); err != nil {
					return "", nil, err
				}
			}
			a, err := tally.Ask(chains, tally.Options{Step: "day"})
			if err != nil {
				return "", nil, err
			}
			return fmt.Sprintf("%d days", len(a.Buckets)), nothing, nil
		})
		if err != nil {
			return errors.Join(err, store.Close())
		}
		costs = append(costs, c)
	}
	return errors.Join(store.Close(), json.NewEncoder(out).Encode(costs))
}
