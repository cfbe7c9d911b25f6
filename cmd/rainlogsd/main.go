// Command rainlogsd is the collector without the workstation: one static
// program without DuckDB, for a machine on which nobody works.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := collector.Main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
