package columns_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// lines are n records of the window that begins at start.
func lines(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"RayID":"ray%d","EdgeResponseStatus":%d,"X":{"a":[%d]}}`+"\n",
			start.Add(time.Duration(i)*time.Millisecond).UnixNano(), i, 200+i%3, i)
	}
	return b.String()
}

// archive has a dataset of windows of lines.
func archive(t *testing.T, windows int) *dataset.Dataset {
	t.Helper()
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "RayID")
	for i := range windows {
		a.Window(start.Add(time.Duration(i)*time.Minute), time.Minute, lines(i*1000, 50))
	}
	return a.Open(dataset.Options{})
}

func TestBuildAndFind(t *testing.T) {
	t.Parallel()
	d := archive(t, 3)
	c, err := columns.Open(columns.Config{Dir: t.TempDir() + "/columns"})
	if err != nil {
		t.Fatal(err)
	}
	if _, found := c.Find(d.Objects()[0].Entry); found {
		t.Error("columns are found before they are built")
	}
	var last columns.Progress
	if err := c.Build(context.Background(), d.Objects(), columns.BuildOptions{Progress: func(p columns.Progress) { last = p }}); err != nil {
		t.Fatal(err)
	}
	if last.Built != 3 || last.Lines != 150 || last.Total != 3 {
		t.Errorf("progress is %+v", last)
	}
	for _, o := range d.Objects() {
		f, found := c.Find(o.Entry)
		if !found || f.Lines != 50 || len(f.Fields) != 4 {
			t.Errorf("found %v: %+v", found, f)
		}
		f.Release()
	}
}
