package chain

import (
	"encoding/binary"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestEdgeMatchesTlog grows a tree past three tile levels and compares its
// root with the reference implementation's.
func TestEdgeMatchesTlog(t *testing.T) {
	t.Parallel()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	var e edge
	for i := range int64(66_000) {
		b := binary.BigEndian.AppendUint64(nil, uint64(i))
		hashes, err := tlog.StoredHashesForRecordHash(i, tlog.RecordHash(b), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		e, _ = e.grow(b)
		if i%1009 != 0 && (i < 65_530 || i > 65_540) {
			continue
		}
		want, err := tlog.TreeHash(i+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		if e.root() != want {
			t.Fatalf("size %d: root %s, tlog says %s", i+1, e.root(), want)
		}
	}
}
