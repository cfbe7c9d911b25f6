package verifytest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// ThirteenMonths are so many windows of an hour.
const ThirteenMonths = 396 * 24

// Hourly seals n windows of an hour from Epoch on, as a busy zone has them: a
// tally row a minute, and an object that is not there.
func (c *Chain) Hourly(n int) {
	for i := range n {
		start := Epoch.Add(time.Duration(i) * time.Hour)
		w := evidence.Window{Start: start, End: start.Add(time.Hour)}
		first, last := start, w.End.Add(-time.Millisecond)
		t := &evidence.Tally{Bucket: 60, From: start}
		lines := int64(0)
		for minute := range int64(60) {
			row := [1 + evidence.Classes]int64{minute, 0, 1000 + minute, 40, 13 + minute%7, minute % 3, 0}
			for _, count := range row[1:] {
				lines += count
			}
			t.Rows = append(t.Rows, row)
		}
		e := c.Entry(evidence.KindLog)
		sum := sha256.Sum256([]byte(fmt.Sprint(i)))
		e.Window, e.SealedAt = &w, w.End.Add(5*time.Minute)
		e.Content = &evidence.Content{Bytes: lines * 900, Lines: lines, SHA256: sum, MerkleRoot: sum, FirstEvent: &first, LastEvent: &last, Tally: t}
		e.Object = &evidence.Object{Key: evidence.ObjectKey(c.ID, w, 1), Bytes: lines * 80, SHA256: sum}
		e.Source = &evidence.Source{Plugin: "logpull", Version: "1", Timestamps: "unixnano", Complete: true, RetrievedAt: e.SealedAt}
		c.Add(e)
	}
}
