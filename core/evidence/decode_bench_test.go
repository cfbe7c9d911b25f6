package evidence_test

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func BenchmarkDecode(b *testing.B) {
	entry, err := evidence.Encode(logEntry())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(entry)))
	for b.Loop() {
		if _, err := evidence.Decode(entry); err != nil {
			b.Fatal(err)
		}
	}
}
