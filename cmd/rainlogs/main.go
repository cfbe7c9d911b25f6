// Command rainlogs is the workstation: it collects Cloudflare logs into an
// evidence-grade archive, verifies the archive and answers SQL over it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
