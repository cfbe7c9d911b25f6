package chaincache_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key    = verifytest.NewKey(1)
	pinned = key.Public(verifytest.UUID)
)
