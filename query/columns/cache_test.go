package columns_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
)

// fixture is a cache over an archive's dataset.
type fixture struct {
	t     *testing.T
	data  *dataset.Dataset
	cache *columns.Cache
	log   *bytes.Buffer
	now   time.Time
}

func newFixture(t *testing.T, windows int, limit int64) *fixture {
	t.Helper()
	f := &fixture{t: t, data: archive(t, windows), log: &bytes.Buffer{}, now: time.Now()}
	f.cache = f.open(filepath.Join(t.TempDir(), "columns"), limit)
	return f
}

func (f *fixture) open(dir string, limit int64) *columns.Cache {
	f.t.Helper()
	c, err := columns.Open(columns.Config{Dir: dir, Limit: limit, Now: func() time.Time { return f.now },
		Log: slog.New(slog.NewTextHandler(f.log, nil))})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fixture) build(objects ...*dataset.Object) columns.Progress {
	f.t.Helper()
	if objects == nil {
		objects = f.data.Objects()
	}
	var last columns.Progress
	err := f.cache.Build(context.Background(), objects, columns.BuildOptions{Jobs: 2, Progress: func(p columns.Progress) { last = p }})
	if err != nil {
		f.t.Fatal(err)
	}
	return last
}

// find returns an object's file, released, "" if it has none.
func (f *fixture) find(i int) string {
	file, _ := f.cache.Find(f.data.Objects()[i].Entry)
	file.Release()
	return file.Path
}

// left lists a cache's folder, but for its lock.
func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "lock" || strings.HasPrefix(d.Name(), "building-") {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDamageIsNoticedAndBuiltAgain(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, path string){
		"a flipped bit": func(t *testing.T, path string) {
			b := read(t, path)
			b[len(b)/2] ^= 1
			write(t, path, b)
		},
		"cut short":    func(t *testing.T, path string) { b := read(t, path); write(t, path, b[:len(b)-1]) },
		"emptied":      func(t *testing.T, path string) { write(t, path, nil) },
		"not a file":   func(t *testing.T, path string) { remove(t, path); must(t, os.Mkdir(path, 0o700)) },
		"others' file": func(t *testing.T, path string) { must(t, os.Chmod(path, 0o666)) },
		"a link": func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".moved"))
			must(t, os.Symlink(path+".moved", path))
		},
		"the same time": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			must(t, err)
			b := read(t, path)
			b[100] ^= 1
			write(t, path, b)
			must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 2, 0)
			f.build()
			good := f.find(0)
			want := read(t, good)
			harm(t, good)
			if path := f.find(0); path != "" {
				t.Fatal("a damaged file is found")
			}
			if f.find(1) == "" {
				t.Error("the other is not")
			}
			if p := f.build(); p.Built != 1 || p.Present != 1 {
				t.Errorf("built again: %+v", p)
			}
			if path := f.find(0); path != good || !bytes.Equal(read(t, path), want) {
				t.Errorf("found %q, not as it was", path)
			}
			if n := strings.Count(f.log.String(), "damaged columns are removed"); n != 1 {
				t.Errorf("log says so %d times:\n%s", n, f.log)
			}
		})
	}
}

func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1, 0)
	f.build()
	path := f.find(0)
	foreign := []string{filepath.Join(filepath.Dir(path), "notes.txt"), filepath.Join(f.cache.Dir(), "x.columns.bak"),
		path[:strings.LastIndex(path, ".columns")-64] + "00.columns"}
	for _, name := range foreign {
		write(t, name, []byte("mine"))
	}
	if f.find(0) != path {
		t.Error("found another")
	}
	if n, _, err := f.cache.Drop(); err != nil || n < 1 {
		t.Errorf("dropped %d: %v", n, err)
	}
	for _, name := range foreign[:2] {
		if string(read(t, name)) != "mine" {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestFoldersMustBeOurs(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(dir string) error{
		"a link to a zone": func(dir string) error {
			zone := filepath.Join(dir, datasettest.Zone)
			return errors.Join(os.Rename(zone, zone+"x"), os.Symlink(zone+"x", zone))
		},
		"others write": func(dir string) error { return os.Chmod(dir, 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1, 0)
			f.build()
			must(t, harm(f.cache.Dir()))
			if f.find(0) != "" {
				t.Error("a file is found")
			}
			if err := f.cache.Build(context.Background(), f.data.Objects(), columns.BuildOptions{}); !errors.Is(err, columns.ErrStopped) {
				t.Errorf("build ends with %v", err)
			}
		})
	}
}

func TestLateNamesHaveColumns(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	content := lines(0, 3000) + `{"EdgeStartTimestamp":1767225600000000000,"Late":1}` + "\n" + lines(3000, 200) + `{"Later":2,"late":3}` + "\n"
	a.Window(start, time.Hour, content)
	f := &fixture{t: t, data: a.Open(dataset.Options{}), log: &bytes.Buffer{}, now: time.Now()}
	f.cache = f.open(filepath.Join(t.TempDir(), "columns"), 0)
	f.build()
	file, found := f.cache.Find(f.data.Objects()[0].Entry)
	var names []string
	for _, field := range file.Fields {
		names = append(names, field.Name)
	}
	if diff := cmp.Diff([]string{"EdgeResponseStatus", "EdgeStartTimestamp", "RayID", "Late", "Later", "X"}, names); diff != "" || !found {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"late"}, file.Unlisted); diff != "" {
		t.Error(diff)
	}
	fields, err := f.data.Columns(t.Context(), columns.Reserved(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !file.Answers(fields) {
		t.Error("does not answer for the columns of the dataset")
	}
	if len(left(t, f.cache.Dir())) != 1 {
		t.Errorf("left: %q", left(t, f.cache.Dir()))
	}
}

func TestTheLimitIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 4, 0)
	f.build()
	info, err := os.Stat(f.find(0))
	must(t, err)
	one := info.Size() * 5 / 4 // files differ by some bytes
	f.cache = f.open(filepath.Join(t.TempDir(), "columns"), 2*one)
	objects := f.data.Objects()
	f.build(objects[0], objects[1])
	held, _ := f.cache.Find(objects[0].Entry)

	err = f.cache.Build(context.Background(), objects[2:3], columns.BuildOptions{})
	if !errors.Is(err, columns.ErrStopped) || f.find(0) == "" || f.find(1) == "" {
		t.Fatalf("files just used are evicted, or %v", err)
	}
	f.now = f.now.Add(time.Hour)
	f.build(objects[2])
	if f.find(0) == "" || f.find(1) != "" || f.find(2) == "" {
		t.Errorf("of a used, an idle and a new file are left %q", left(t, f.cache.Dir()))
	}
	held.Release()
	f.now = f.now.Add(time.Hour)
	f.find(2)
	f.build(objects[3])
	if f.find(0) != "" || f.find(2) == "" || f.find(3) == "" {
		t.Errorf("of a released, a used and a new file are left %q", left(t, f.cache.Dir()))
	}
}

func TestACacheThatCannotBeWrittenTo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2, 0)
	plain := filepath.Join(t.TempDir(), "file")
	write(t, plain, nil)
	f.cache = f.open(plain, 0)
	err := f.cache.Build(context.Background(), f.data.Objects(), columns.BuildOptions{})
	if !errors.Is(err, columns.ErrStopped) {
		t.Errorf("build ends with %v", err)
	}
	for _, said := range []string{"columns cannot be read", "columns are not built"} {
		if n := strings.Count(f.log.String(), said); n != 1 {
			t.Errorf("%s: %d times in\n%s", said, n, f.log)
		}
	}
}

// TestTwoBuildersAtOnce runs real processes, of which one is killed.
func TestTwoBuildersAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "columns")
	killed := builder(t, dir, "hang")
	out, err := killed.StdoutPipe()
	must(t, err)
	must(t, killed.Start())
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has a draft
		t.Fatal(err)
	}
	must(t, killed.Process.Kill())
	_ = killed.Wait() // it was killed
	if len(left(t, dir)) == 0 {
		t.Fatal("a killed builder left nothing: nothing is tested")
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if out, err := builder(t, dir, "build").CombinedOutput(); err != nil {
				t.Errorf("builder: %v\n%s", err, out)
			}
		})
	}
	group.Wait()
	f := newFixture(t, builderWindows, 0)
	f.cache = f.open(dir, 0)
	for i := range f.data.Objects() {
		if f.find(i) == "" {
			t.Errorf("object %d has no columns", i)
		}
	}
	if names := left(t, dir); len(names) != builderWindows {
		t.Errorf("left are %q", names)
	}
}

const (
	asBuilder      = "RAINLOGS_TEST_BUILDER"
	builderWindows = 5
)

func builder(t *testing.T, dir, mode string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestAsBuilder$")
	cmd.Env = append(os.Environ(), asBuilder+"="+mode, "RAINLOGS_TEST_DIR="+dir)
	return cmd
}

// TestAsBuilder is the process that TestTwoBuildersAtOnce starts.
func TestAsBuilder(t *testing.T) { //nolint:paralleltest // a process of its own
	mode := os.Getenv(asBuilder)
	if mode == "" {
		t.Skip("not started by a test")
	}
	f := newFixture(t, builderWindows, 0)
	f.cache = f.open(os.Getenv("RAINLOGS_TEST_DIR"), 0)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := f.cache.Build(ctx, f.data.Objects(), columns.BuildOptions{Jobs: 2, Progress: func(columns.Progress) {
		if mode == "hang" {
			fmt.Println("x") //nolint:forbidigo // what the parent waits for
			select {}
		}
	}})
	must(t, err)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func write(t *testing.T, path string, b []byte) { t.Helper(); must(t, os.WriteFile(path, b, 0o600)) }
func remove(t *testing.T, path string)          { t.Helper(); must(t, os.Remove(path)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
