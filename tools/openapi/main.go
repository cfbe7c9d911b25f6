// Openapi writes docs/openapi.json, the description of the REST API as the server
// makes it. core/api/client is generated from it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/fabriziosalmi/rainlogs/core/api/server"
)

func main() {
	out := flag.String("o", "", "file to write instead of standard output")
	flag.Parse()
	if err := run(*out, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(path string, stdout io.Writer) error {
	text, err := server.Document()
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	if path == "" {
		_, err := stdout.Write(text)
		return err //nolint:wrapcheck // standard output is gone
	}
	if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // a page for everybody
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}
