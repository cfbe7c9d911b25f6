// Configdoc writes docs/config.md, the reference of the config file: the keys from
// the config's own type and defaults, each plugin's settings from its schema.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk"
)

//go:generate go run . -o ../../docs/config.md

const head = `<!-- Made by tools/configdoc; make generate writes it anew. -->

# The config file

` + "`rainlogs.yaml`" + ` is looked for at ` + "`--config`, `$RAINLOGS_CONFIG`, `./rainlogs.yaml`" + `, then in the user's config folder. What it does not say
has the default below; a variable of the environment goes before the file. A key that means nothing is an error. Relative paths are
relative to the file. A duration is written ` + "`5m`, `72h` or `400d`" + `.

A secret is never written here but named: ` + "`env:NAME` or `file:PATH`" + `. The file has mode 0600, or it is root's and readable by the group of
whom it is for (0640, 0440), who is not root.

` + "`rainlogsd config check`" + ` reads it, ` + "`config show`" + ` prints what is in force, ` + "`config schema`" + ` a JSON Schema for editors.
`

func main() {
	out := flag.String("o", "", "file to write instead of standard output")
	flag.Parse()
	if err := run(*out, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "configdoc:", err)
		os.Exit(1)
	}
}

func run(path string, stdout io.Writer) error {
	text := reference(config.Reference(), standard.Plugins())
	if path == "" {
		_, err := stdout.Write(text)
		return err //nolint:wrapcheck // standard output is gone
	}
	if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // a page for everybody
		return fmt.Errorf("write the reference: %w", err)
	}
	return nil
}

func reference(keys []config.Setting, plugins []sdk.Plugin) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	section := ""
	for _, s := range keys {
		name, _, nested := strings.Cut(s.Key, ".")
		if !nested {
			name = "top level"
		}
		if name != section {
			section = name
			fmt.Fprintf(&b, "\n## %s\n\n| key | type | default | meaning |\n|---|---|---|---|\n", name)
		}
		meaning := s.Doc
		if s.Env != "" {
			meaning += " · `" + s.Env + "`"
		}
		row(&b, code(s.Key), s.Type, code(s.Default), meaning)
	}
	b.WriteString("\n# The plugins' settings\n\nBeside `plugin` itself, a store takes `name`, and `provider`, `country` and `override` for `archive.sovereignty`.\n")
	for _, p := range plugins {
		where := "an entry of `archive.storage`"
		if p.Kind() == "source" {
			where = "below `sources." + p.Name + "`"
		}
		fmt.Fprintf(&b, "\n## %s %s\n\n%s\n\n| setting | type | default | meaning |\n|---|---|---|---|\n", p.Kind(), p.Name, where)
		for _, f := range p.Schema {
			kind := string(f.Kind)
			if f.Secret {
				kind = "secret, by reference"
			}
			value := code(f.Default)
			if f.Required {
				value = "must be given"
			}
			row(&b, code(f.Name), kind, value, f.Help)
		}
	}
	return b.Bytes()
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func row(b *bytes.Buffer, cells ...string) {
	for _, c := range cells {
		fmt.Fprintf(b, "| %s ", cmp.Or(strings.ReplaceAll(c, "|", `\|`), "–"))
	}
	b.WriteString("|\n")
}
