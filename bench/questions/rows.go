package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// smallPerDay are the records a day of small objects: some 50 an hour.
const smallPerDay = 1200

// explicit reads the sealed objects as who knows the columns of interest would write it.
const explicit = "read_json('%s', format = 'newline_delimited', columns = {ClientIP: 'VARCHAR'})"

func (b *bench) row(what string, c, base cost, aim string) {
	rss := ""
	if c.RSS > 0 {
		rss = fmt.Sprintf("%d MiB", c.RSS>>20)
	}
	ratio := ""
	if base.Wall > 0 {
		ratio = fmt.Sprintf("%.2f ×", c.Wall.Seconds()/base.Wall.Seconds())
	}
	fmt.Fprintf(b.out, "  %-44s %10s wall %10s CPU %9s %8s  %s\n", what, short(c.Wall), short(c.CPU), rss, ratio, aim)
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// same is an error where two answers differ: a quick wrong one is no answer.
func same(what string, ours, theirs cost) error {
	if ours.Answer != theirs.Answer {
		return fmt.Errorf("%s: the answers differ:\n%s\n%s", what, ours.Answer, theirs.Answer)
	}
	return nil
}

// day measures a day of large objects.
func (b *bench) day(ctx context.Context) error {
	s := site{filepath.Join(b.dir, "day")}
	if err := s.make(ctx, b.perDay, 24); err != nil {
		return err
	}
	size, err := b.describe(ctx, s, "a day")
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context, site, evidence.Content) error{b.first, b.building, b.asking, b.whole} {
		if err := part(ctx, s, size); err != nil {
			return err
		}
	}
	return nil
}

// describe says what an archive holds.
func (b *bench) describe(ctx context.Context, s site, what string) (sum evidence.Content, err error) {
	objects := 0
	err = s.entries(ctx, func(e *evidence.Entry) {
		if e.Object != nil {
			objects++
			sum.Lines += e.Content.Lines
			sum.Bytes += e.Content.Bytes
		}
	})
	fmt.Fprintf(b.out, "%s: %d records, %.2f GB of NDJSON, %d objects\n", what, sum.Lines, float64(sum.Bytes)/1e9, objects)
	return sum, err
}

// first is the first question, where no columns are there.
func (b *bench) first(ctx context.Context, s site, _ evidence.Content) error {
	auto := topClients.of(fmt.Sprintf("read_json('%s', format = 'newline_delimited')", s.objects()))
	base, err := b.child(ctx, nothing, "duckdb", s.dir, auto)
	if err != nil {
		return err
	}
	b.row("DuckDB read_json, columns detected", base, base, "")
	few, err := b.child(ctx, nothing, "duckdb", s.dir, topClients.of(fmt.Sprintf(explicit, s.objects())))
	if err != nil {
		return err
	}
	b.row("DuckDB read_json, the one column named", few, base, "")
	ours, err := b.child(ctx, nothing, "read", s.dir)
	if err != nil {
		return err
	}
	b.row("first query, no columns yet", ours, base, "aim: ≤ DuckDB's")
	return same("first query", ours, few)
}

// building makes columns of everything, each time anew.
func (b *bench) building(ctx context.Context, s site, size evidence.Content) error {
	base, err := b.child(ctx, func() error { return os.RemoveAll(s.parquet()) }, "duckdb", s.dir,
		fmt.Sprintf("COPY (SELECT * FROM read_json('%s', format = 'newline_delimited')) TO '%s'", s.objects(), s.parquet()))
	if err != nil {
		return err
	}
	b.row("DuckDB COPY … TO Parquet", base, base, "")
	ours, err := b.child(ctx, func() error { return os.RemoveAll(s.columns()) }, "build", s.dir)
	if err != nil {
		return err
	}
	b.row("columns built", ours, base, fmt.Sprintf("aim: ≤ %.1f s", 12*float64(size.Bytes)/2.04e9))
	return nil
}

// asking asks of columns.
func (b *bench) asking(ctx context.Context, s site, _ evidence.Content) error {
	ray, err := b.child(ctx, nothing, "duckdb", s.dir, "SELECT RayID FROM '"+s.parquet()+"' ORDER BY RayID LIMIT 1 OFFSET 1000")
	if err != nil {
		return err
	}
	id := strings.TrimSpace(ray.Answer)
	files := filepath.Join(s.columns(), "*", "*", "*", "*.columns")
	bare, err := b.within(ctx, "ask-duckdb", files, id)
	if err != nil {
		return err
	}
	ours, err := b.within(ctx, "ask", s.dir, id)
	if err != nil {
		return err
	}
	b.row(ours[0].Name+", "+topClients.name, ours[0], cost{}, "")
	for i, c := range ours[1:] {
		b.row("DuckDB over the same columns: "+bare[i].Name, bare[i], bare[i], "")
		b.row(c.Name, c, bare[i], "aim: ≤ 50 ms")
		if err := same(c.Name, c, bare[i]); err != nil {
			return err
		}
	}
	return nil
}

// whole runs the program.
func (b *bench) whole(ctx context.Context, s site, _ evidence.Content) error {
	if b.program == "" {
		return nil
	}
	for _, q := range []question{topClients, count} {
		c, err := spawn(ctx, b.runs, nothing, b.program, "--config", s.config(), "--no-progress", "query", q.sql)
		if err != nil {
			return err
		}
		b.row("rainlogs query, "+q.name, c, cost{}, "")
	}
	return nil
}

// months measures an hour of a day and of many months of small objects.
func (b *bench) months(ctx context.Context) error {
	var base []cost
	for _, hours := range []int{24, b.hours} {
		s := site{filepath.Join(b.dir, fmt.Sprintf("small-%d", hours))}
		if err := s.make(ctx, smallPerDay, hours); err != nil {
			return err
		}
		if _, err := b.describe(ctx, s, fmt.Sprintf("%d hours", hours)); err != nil {
			return err
		}
		once := *b // it takes minutes: files are synced one by one
		once.runs = 1
		built, err := once.child(ctx, func() error { return os.RemoveAll(s.columns()) }, "build", s.dir)
		if err != nil {
			return err
		}
		b.row("columns built", built, cost{}, "")
		costs, err := b.within(ctx, "hour", s.dir)
		if err != nil {
			return err
		}
		if base == nil {
			base = costs
		}
		b.row("one hour of it", costs[0], base[0], "")
		b.row("one hour of it, the dataset opened for it", costs[1], base[1], "aim: ≤ 1.2 × a day's")
		if err := same("one hour", costs[1], base[1]); err != nil {
			return err
		}
		if costs, err = b.within(ctx, "tallies", s.dir); err != nil {
			return err
		}
		b.row("totals and days from tallies", costs[0], cost{}, "aim: ≤ 100 ms")
		b.row("the same, the chain read and verified", costs[1], cost{}, "")
	}
	return nil
}
