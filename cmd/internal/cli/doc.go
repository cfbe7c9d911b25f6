// Package cli is the rainlogs command line: one command a file, wiring, and
// exit codes. Results go to standard output, everything else to standard
// error; no command asks a question when standard input is not a terminal.
package cli
