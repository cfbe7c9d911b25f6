package storeset

import (
	"testing"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
)

func TestMain(m *testing.M) { s3test.Main(m) }
