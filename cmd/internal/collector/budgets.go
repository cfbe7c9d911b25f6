package collector

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/fabriziosalmi/rainlogs/core/metrics"
)

// AskBudgets asks the daemon that listens at HOST:PORT for its budgets. A kind of which none was spent yet is left out.
func AskBudgets(ctx context.Context, listen string) ([]metrics.Budget, error) {
	address := (&url.URL{Scheme: "http", Host: listen, Path: "/metrics"}).String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the collector: %w", err)
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the collector: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return metrics.ReadBudgets(resp.Body) //nolint:wrapcheck // says what it did
}
