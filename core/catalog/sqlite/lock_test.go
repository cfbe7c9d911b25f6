package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
)

// childEnv makes the test binary act as a second process on the catalog it names.
const childEnv = "SQLITE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(context.Background(), path); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child takes the chain's lock, plans, says so, and stays until its standard
// input ends.
func child(ctx context.Context, path string) error {
	c, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	if _, err := c.Lock(ctx, chain); err != nil {
		return err
	}
	for i := range 50 {
		if err := c.Plan(ctx, chain, minutes(1000+i, 1)); err != nil {
			return err
		}
	}
	fmt.Println("locked")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startChild returns once the child has said its first line.
func startChild(t *testing.T, path string) (cmd *exec.Cmd, line string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("child said %q: %v", line, err)
	}
	return cmd, strings.TrimSpace(line)
}

func TestLockOfProcess(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := open(t, path)
	cmd, line := startChild(t, path)
	if line != "locked" {
		t.Fatalf("child said %q", line)
	}
	if err := c.Plan(t.Context(), chain, minutes(0, 5)); err != nil { // beside the other process
		t.Error(err)
	}
	_, err := c.Lock(t.Context(), chain)
	if !errors.Is(err, catalog.ErrBusy) {
		t.Fatalf("error is %v, want %v", err, catalog.ErrBusy)
	}
	if who := fmt.Sprintf("pid %d", cmd.Process.Pid); !strings.Contains(err.Error(), who) {
		t.Errorf("error %q does not name %s", err, who)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	unlock, err := c.Lock(t.Context(), chain)
	if err != nil {
		t.Fatalf("lock of a killed process: %v", err)
	}
	if n := len(ledger(t, c)); n != 55 {
		t.Errorf("%d windows, want 55: what the killed process had committed stays", n)
	}
	// And the other way round.
	cmd, line = startChild(t, path)
	if who := fmt.Sprintf("pid %d", os.Getpid()); !strings.Contains(line, who) || !strings.Contains(line, catalog.ErrBusy.Error()) {
		t.Errorf("child said %q, want %q and %s", line, catalog.ErrBusy, who)
	}
	_ = cmd.Wait() // it ends by itself, with 1
	if err := unlock(); err != nil {
		t.Error(err)
	}
	cmd, line = startChild(t, path)
	if line != "locked" {
		t.Errorf("child said %q after the unlock", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
}

// What stands in a holder file is shown and decides nothing.
func TestLockHolderFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := open(t, path)
	unlock, err := c.Lock(t.Context(), chain)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(path+".locks", chain.Zone+"-"+chain.Dataset+".holder")
	busy := func() string {
		t.Helper()
		_, err := c.Lock(t.Context(), chain)
		if !errors.Is(err, catalog.ErrBusy) {
			t.Fatalf("error is %v, want %v", err, catalog.ErrBusy)
		}
		return err.Error()
	}
	if who := fmt.Sprintf("pid %d", os.Getpid()); !strings.Contains(busy(), who) {
		t.Errorf("%q does not name %s", busy(), who)
	}
	plain := "lock chain " + chain.String() + ": " + catalog.ErrBusy.Error()
	for content, want := range map[string]string{
		"":                                    plain,
		"{":                                   plain,
		`{"pid":0,"host":"h"}`:                plain,
		strings.Repeat("9", 1<<20):            plain,
		`{"pid":7}`:                           plain + " (pid 7)",
		"{\"pid\":7,\"host\":\"\\u001b[2J\"}": plain + ` (pid 7 on "\x1b[2J")`,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := busy(); got != want {
			t.Errorf("holder file %.40q: error is %q, want %q", content, got, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := busy(); got != plain {
		t.Errorf("no holder file: error is %q, want %q", got, plain)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}
