package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/source/sourcetest"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// freshFolder in a setting becomes a new, empty folder for each case.
const freshFolder = "{tmp}"

type testOptions struct {
	sets                       []string
	zone, dataset, unknownZone string
	times                      rangeFlags
	run                        string
	asJSON                     bool
}

func newPluginTest(env *site.Env, g *site.Globals) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test PATH|NAME",
		Short: "Run the conformance suite of its kind over a plugin",
		Long: "Run the conformance suite of its kind over a plugin, in a process of its own as it is in production. Given a path,\n" +
			"the file is run as it is, not pinned. One that passes can be relied on by an archive; the cases are tests of\n" +
			"sdk/storage/storagetest and sdk/source/sourcetest, by the same names.\n\n" +
			"A storage is opened anew for each case and must be empty every time. " + freshFolder + " in a setting becomes an empty folder;\n" +
			"without it, the store must be empty at the beginning, and what a case puts there is deleted behind it.\n" +
			"A source needs a zone whose records may be read: a minute of them, the last that it has, unless --from and --to\n" +
			"say otherwise.\n\n" + site.ExitHelp,
		Example: "rainlogs plugin test ./rainlogs-storage-mine --set path=" + freshFolder + "\n" +
			"rainlogs plugin test ./rainlogs-source-mine --zone example.com --set token=env:TOKEN\n" +
			"rainlogs plugin test fs --set path=" + freshFolder + " --run List",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openPlugins(env, g)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.test(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().StringArrayVar(&o.sets, "set", nil, setHelp)
	cmd.Flags().StringVar(&o.zone, "zone", "", "a source: zone to pull")
	cmd.Flags().StringVar(&o.dataset, "dataset", "", "a source: dataset to pull (default: its first)")
	cmd.Flags().StringVar(&o.unknownZone, "unknown-zone", "", "a source: a zone that is well formed and not the producer's")
	o.times.addTo(cmd, "the window to pull of a source, with records in both of its halves")
	cmd.Flags().StringVar(&o.run, "run", "", "only cases whose names match this regular expression")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// testReport is what a test comes to.
type testReport struct {
	Plugin  string       `json:"plugin"`
	Kind    string       `json:"kind"`
	Version string       `json:"version"`
	SHA256  string       `json:"sha256,omitempty"`
	Passed  int          `json:"passed"`
	Failed  int          `json:"failed"`
	Skipped int          `json:"skipped"`
	Cases   []caseResult `json:"cases"`
}

func (s *pluginSite) test(ctx context.Context, arg string, o testOptions) error {
	only, err := regexp.Compile(o.run)
	if err != nil {
		return site.Usagef("--run: %w", err)
	}
	settings, err := parseSettings(o.sets)
	if err != nil {
		return err
	}
	spec, about, err := s.describe(ctx, arg)
	if err != nil {
		return err
	}
	c := &candidate{site: s, spec: spec, about: about, settings: settings}
	report := testReport{Plugin: about.Name, Kind: about.Kind, Version: about.Version, SHA256: spec.SHA256}
	run := newSuite(ctx, only, func(r caseResult) {
		report.Cases = append(report.Cases, r)
		if !o.asJSON {
			r.print(s.Env.Out)
		}
	})
	if about.Kind == wire.KindStorage {
		err = c.testStorage(ctx, run)
	} else {
		err = c.testSource(ctx, run, o)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	report.Passed, report.Failed, report.Skipped = run.counts[passed], run.counts[failed], run.counts[skipped]
	return s.conclude(report, o.asJSON)
}

func (s *pluginSite) conclude(r testReport, asJSON bool) error {
	if asJSON {
		if err := site.PrintJSON(s.Env.Out, r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.Env.Out, "%s plugin %s %s: %d passed, %d failed, %d skipped\n", r.Kind, r.Plugin, site.SafeLine(r.Version), r.Passed, r.Failed, r.Skipped)
	}
	switch {
	case r.Failed > 0:
		return site.EndWith(site.ExitFailed, fmt.Sprintf("%d of %d cases failed", r.Failed, len(r.Cases)))
	case r.Passed == 0:
		return site.EndWith(site.ExitFailed, "no case was passed: nothing is known of the plugin")
	}
	return nil
}

func (r caseResult) print(w io.Writer) {
	line := fmt.Sprintf("%-4s  %-26s %6.2f s", r.Outcome, r.Name, r.Seconds)
	if r.Outcome == skipped {
		line += "  " + strings.Join(r.Messages, "; ")
	}
	fmt.Fprintln(w, site.SafeLine(line))
	if r.Outcome != failed {
		return
	}
	for _, m := range r.Messages {
		fmt.Fprintln(w, "      "+site.SafeLine(strings.ReplaceAll(m, "\n", "\n      ")))
	}
}

// candidate is a plugin under test.
type candidate struct {
	site     *pluginSite
	spec     pluginhost.Spec
	about    wire.About
	settings map[string]string
}

// open starts the plugin for one case.
func (c *candidate) open(t *suite) *pluginhost.Instance {
	settings := maps.Clone(c.settings)
	for name, value := range settings {
		if !strings.Contains(value, freshFolder) {
			continue
		}
		dir, err := os.MkdirTemp("", "rainlogs-plugin-test-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		})
		settings[name] = strings.ReplaceAll(value, freshFolder, dir)
	}
	i, err := c.site.launch(t.Context(), c.spec, c.about, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := afterwards(t)
		defer cancel()
		if err := i.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return i
}

// afterwards is a context for what comes behind a case.
func afterwards(t *suite) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
}

func (c *candidate) fresh() bool {
	for _, value := range c.settings {
		if strings.Contains(value, freshFolder) {
			return true
		}
	}
	return false
}

func (c *candidate) testStorage(ctx context.Context, run *suite) error {
	if err := c.checkEmpty(ctx); err != nil {
		return err
	}
	storagetest.Run(run, func(t *suite) storage.Storage {
		s, err := c.open(t).Storage()
		if err != nil {
			t.Fatal(err)
		}
		if !c.fresh() {
			t.Cleanup(func() { empty(t, s) })
		}
		return s
	})
	return nil
}

// checkEmpty refuses a store that holds anything: a test would delete it.
func (c *candidate) checkEmpty(ctx context.Context) error {
	if c.fresh() {
		return nil
	}
	i, err := c.site.launch(ctx, c.spec, c.about, c.settings)
	if err != nil {
		return err
	}
	defer func() { _ = i.Close(ctx) }() // it was only looked into
	s, err := i.Storage()
	if err != nil {
		return err //nolint:wrapcheck // names the plugin already
	}
	for info, err := range s.List(ctx, "", "") {
		if err != nil {
			return fmt.Errorf("look whether the store is empty: %w", err)
		}
		return site.Usagef("the store holds %s: a test needs an empty one, for it deletes what it finds", info.Key)
	}
	return nil
}

// empty deletes what a case has left behind.
func empty(t *suite, s storage.Storage) {
	ctx, cancel := afterwards(t)
	defer cancel()
	for info, err := range s.List(ctx, "", "") {
		if err != nil {
			t.Errorf("empty the store: %v", err)
			return
		}
		if err := s.Delete(ctx, info.Key); err != nil && !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("empty the store: %v", err)
			return
		}
	}
}

func (c *candidate) testSource(ctx context.Context, run *suite, o testOptions) error {
	if o.zone == "" {
		return site.Usagef("a source is tested with --zone: one whose records may be read")
	}
	d, err := c.describeSource(ctx)
	if err != nil {
		return err
	}
	h := sourcetest.Harness{Zone: o.zone, Dataset: o.dataset, UnknownZone: o.unknownZone}
	if h.Dataset == "" && len(d.Datasets) > 0 {
		h.Dataset = d.Datasets[0].Name
	}
	now := c.site.Env.Now().UTC()
	if h.Full, err = fullWindow(o.times, d.Limits, now); err != nil {
		return err
	}
	if age := d.Limits.MaxAge; age > 0 {
		long := h.Full.End.Sub(h.Full.Start)
		from := now.Add(-age - time.Hour).Truncate(time.Second)
		h.Gone = sourcetest.Window{Start: from, End: from.Add(min(long, time.Minute))}
	}
	values, err := site.ResolveSecrets(c.about.Name, c.about.Schema, c.settings, c.site.Env.Getenv)
	if err != nil {
		return err
	}
	for _, f := range c.about.Schema {
		if f.Secret && values[f.Name] != "" {
			h.Secrets = append(h.Secrets, values[f.Name])
		}
	}
	sourcetest.Run(run, h, func(t *suite) source.Source {
		s, err := c.open(t).Source()
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
	return nil
}

// describeSource asks for datasets and limits, once.
func (c *candidate) describeSource(ctx context.Context) (source.Description, error) {
	i, err := c.site.launch(ctx, c.spec, c.about, c.settings)
	if err != nil {
		return source.Description{}, err
	}
	defer func() { _ = i.Close(ctx) }() // it was only asked
	s, err := i.Source()
	if err != nil {
		return source.Description{}, err //nolint:wrapcheck // names the plugin already
	}
	return s.Describe(ctx) //nolint:wrapcheck // names the plugin already
}

// fullWindow is the last minute that the source has, or what the flags say.
func fullWindow(times rangeFlags, l source.Limits, now time.Time) (sourcetest.Window, error) {
	from, to, err := times.parse(now)
	switch {
	case err != nil:
		return sourcetest.Window{}, err
	case from.IsZero() != to.IsZero():
		return sourcetest.Window{}, site.Usagef("--from and --to come together")
	case !from.IsZero():
		return sourcetest.Window{Start: from.Truncate(time.Second), End: to.Truncate(time.Second)}, nil
	}
	long := time.Minute
	if l.MaxWindow > 0 {
		long = min(long, l.MaxWindow.Truncate(time.Second))
	}
	end := now.Add(-l.MinLag - time.Minute).Truncate(time.Minute)
	return sourcetest.Window{Start: end.Add(-long), End: end}, nil
}
