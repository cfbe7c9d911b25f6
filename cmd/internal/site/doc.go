// Package site is what the programs share of a place where logs are
// collected: its config, its signing key, its catalog and its store, each
// opened in one way; and how a program of ours meets the world: flags, exit
// codes, hints, text for terminals, and its own plugins.
//
// The workstation, rainlogs, and the collector, rainlogsd, stand on it. It
// never imports query: the collector is a static program without DuckDB, and
// internal/layering tests that it stays one.
package site
