package s3

import (
	"net/http"
	"testing"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]s3test.Kind{"plain": s3test.Plain, "versioned": s3test.Versioned, "locked": s3test.Locked} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s3test.Shared(t)
			storagetest.Run(t, func(t *testing.T) storage.Storage {
				c := settings(server.URL(), server.Bucket(t, kind), server.Root)
				if kind == s3test.Locked {
					c.Prefix, c.Lock = "archives/one", LockCompliance
				}
				return open(t, c)
			})
		})
	}
}

// TestConformanceWithoutConditions: a store that ignores conditions, and the
// writers of one process.
func TestConformanceWithoutConditions(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	storagetest.Run(t, func(t *testing.T) storage.Storage {
		p := s3test.NewProxy(t, server)
		p.Order(writes, -1, s3test.Without("If-None-Match", "If-Match"))
		return open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
	})
}

func writes(r *http.Request) bool {
	return s3test.Op("PutObject", "CompleteMultipartUpload")(r)
}
