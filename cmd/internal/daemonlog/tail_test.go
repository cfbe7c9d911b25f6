package daemonlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/daemonlog"
)

var at = time.Date(2026, 3, 14, 15, 9, 26, 535e6, time.UTC)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rainlogsd.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

// TestFile reads both of the collector's formats, and lines that are in neither.
func TestFile(t *testing.T) {
	t.Parallel()
	got, err := daemonlog.Tail(t.Context(), write(t, strings.Join([]string{
		`{"time":"2026-03-14T15:09:26.535Z","level":"WARN","msg":"window is put off","zone":"5e","tries":3,"error":{"a":1}}`,
		`time=2026-03-14T15:09:26.535Z level=INFO msg="listening on \"a\"" address=127.0.0.1:8080`,
		`time=2026-03-14T15:09:26.535Z level=ERROR msg=serve`,
		"panic: \x1b[2Jboom\r", "", `{"msg":7}`, `{"no":"message"}`, `time=now level=INFO msg=x`, "\xff\xfe",
	}, "\n")))
	want := []daemonlog.Line{
		{At: at, Level: "WARN", Text: `window is put off  error={"a":1}  tries=3  zone=5e`},
		{At: at, Level: "INFO", Text: `listening on "a"  address=127.0.0.1:8080`},
		{At: at, Level: "ERROR", Text: "serve"},
		{Text: "panic: \x1b[2Jboom"}, {Text: "7"}, {Text: `{"no":"message"}`}, {Text: "time=now level=INFO msg=x"}, {Text: "\xff\xfe"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestBounds: of a long file its end, of a long line its beginning, and no line that is cut in front.
func TestBounds(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "line %06d\n", i)
	}
	b.WriteString(strings.Repeat("x", 100_000))
	got, err := daemonlog.Tail(t.Context(), write(t, b.String()))
	if err != nil || len(got) != daemonlog.MaxLines || got[daemonlog.MaxLines-2].Text != "line 099999" || len(got[daemonlog.MaxLines-1].Text) != 8<<10 {
		t.Fatalf("%v, %d lines, %+.60v", err, len(got), got[max(0, len(got)-2)])
	}
	got, err = daemonlog.Tail(t.Context(), write(t, strings.Repeat("y", 1<<20)+"\nlast"))
	if diff := cmp.Diff([]daemonlog.Line{{Text: "last"}}, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestNoLog: what is no log, or has no line, is an error that says so at once.
func TestNoLog(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"off": "tui.log is off", "": "tui.log is off", write(t, "\n\n"): "there is no line", "file:" + pipe: "no regular file", "file:" + t.TempDir(): "no regular file",
		"file:/nowhere/at/all": "no such file",
	} {
		if lines, err := daemonlog.Tail(t.Context(), source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", source, lines, err)
		}
	}
}

// journal is a journalctl that says what it was asked, and ends so.
func journal(t *testing.T, out string, code int) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >%s/asked\ncat %s/out\necho 'No access' >&2\nexit %d\n", dir, dir, code)
	for name, text := range map[string]string{"journalctl": script, "out": out} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	return dir
}

// TestJournal: the collector's lines, the service manager's, and a message that is no text.
func TestJournal(t *testing.T) { //nolint:paralleltest // sets PATH
	dir := journal(t, `{"__REALTIME_TIMESTAMP":"1773500966535000","PRIORITY":"6","MESSAGE":"{\"time\":\"2026-03-14T15:09:26.535Z\",\"level\":\"WARN\",\"msg\":\"window is put off\"}"}
{"__REALTIME_TIMESTAMP":"1773500966535000","PRIORITY":"3","MESSAGE":"Failed with result 'exit-code'."}
{"PRIORITY":"99","MESSAGE":[104,105,27]}
{"MESSAGE":null}
rubbish
`, 0)
	got, err := daemonlog.Tail(t.Context(), "journal:rainlogsd")
	want := []daemonlog.Line{
		{At: at, Level: "WARN", Text: "window is put off"}, {At: at, Level: "ERROR", Text: "Failed with result 'exit-code'."}, {Text: "hi\x1b"}, {}, {Text: "rubbish"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil || !strings.HasPrefix(string(asked), "--unit=rainlogsd --lines=300 ") {
		t.Errorf("asked %q, %v", asked, err)
	}
	journal(t, "", 0)
	if _, err := daemonlog.Tail(t.Context(), "journal:rainlogsd"); !errors.Is(err, daemonlog.ErrEmpty) || !strings.Contains(err.Error(), "the journal of unit rainlogsd") {
		t.Errorf("empty: %v", err)
	}
	journal(t, "", 1)
	if _, err := daemonlog.Tail(t.Context(), "journal:rainlogsd"); err == nil || !strings.Contains(err.Error(), "No access") {
		t.Errorf("refused: %v", err)
	}
	t.Setenv("PATH", "/nowhere")
	if _, err := daemonlog.Tail(t.Context(), "journal:rainlogsd"); !errors.Is(err, daemonlog.ErrNoJournal) {
		t.Errorf("none: %v", err)
	}
}
