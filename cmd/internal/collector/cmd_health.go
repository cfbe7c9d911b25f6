package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/health"
)

// maxReport bounds what is read of a daemon's answer.
const maxReport = 1 << 20

type healthOptions struct {
	url     string
	timeout time.Duration
	asJSON  bool
}

// NewHealth is the command health, which needs no config: it asks a daemon.
func NewHealth(env *site.Env) *cobra.Command {
	var o healthOptions
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running collector whether it does its work",
		Long: "Ask a running collector whether it does its work, and print a line for each of its checks.\n" +
			"Exit code 1 says that it does not, or that nothing answers.",
		Example: "rainlogsd health --url http://127.0.0.1:8080",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runHealth(cmd.Context(), env, o) },
	}
	cmd.Flags().StringVar(&o.url, "url", "http://127.0.0.1:8080", "where the collector listens")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 5*time.Second, "how long to wait for an answer")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func runHealth(ctx context.Context, env *site.Env, o healthOptions) error {
	base, err := url.Parse(o.url)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return site.Usagef("--url %q is not an address such as http://127.0.0.1:8080", o.url)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	report, err := askHealth(ctx, base.JoinPath("health").String())
	if err != nil {
		return err
	}
	if o.asJSON {
		err = site.PrintJSON(env.Out, report)
	} else {
		err = printHealth(env.Out, report)
	}
	if err == nil && report.Status == health.Failing {
		return site.EndWith(site.ExitFailed, "the collector does not do its work")
	}
	return err
}

// AskHealth asks the daemon that listens at HOST:PORT.
func AskHealth(ctx context.Context, listen string) (health.Report, error) {
	return askHealth(ctx, (&url.URL{Scheme: "http", Host: listen, Path: "/health"}).String())
}

func askHealth(ctx context.Context, address string) (health.Report, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return health.Report{}, fmt.Errorf("ask the collector: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return health.Report{}, fmt.Errorf("ask the collector: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxReport))
	if err != nil {
		return health.Report{}, fmt.Errorf("read the collector's answer: %w", err)
	}
	var report health.Report
	ok := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusServiceUnavailable
	if err := json.Unmarshal(b, &report); err != nil || !ok || !report.Status.Valid() {
		return report, fmt.Errorf("%s answers (%s), but not as a collector does", address, resp.Status)
	}
	if (report.Status == health.Failing) != (resp.StatusCode == http.StatusServiceUnavailable) {
		return report, fmt.Errorf("%s says %s in its answer and %s in its head", address, report.Status, resp.Status)
	}
	return report, nil
}

func printHealth(w io.Writer, report health.Report) error {
	return site.Table(w, "", func(row func(...any)) {
		row(report.Status, "collector", "", "")
		for _, name := range slices.Sorted(maps.Keys(report.Checks)) {
			c := report.Checks[name]
			row(c.Status, name, "since "+site.RFC3339(c.Since), c.Detail)
		}
	})
}
