package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
)

// keeping is a store that keeps first versions.
type keeping struct {
	*datasettest.Store
	first []byte
}

func (k keeping) GetFirst(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(k.first)), nil
}

func TestDamageThatIsCoveredNamesTheRemedy(t *testing.T) {
	t.Parallel()
	a := datasettest.New(t, datasettest.Zone)
	e := a.Window(at(0), window, record(at(0), "a"))
	sealed := a.Store.Objects[e.Object.Key]
	delete(a.Store.Objects, e.Object.Key)
	for name, first := range map[string][]byte{"sealed": sealed, "other": []byte("other")} {
		_, err := dataset.Open(context.Background(), keeping{a.Store, first}, []dataset.Chain{a.Chain()}, dataset.Options{TempDir: t.TempDir()})
		var damage *dataset.DamageError
		if !errors.As(err, &damage) || strings.Contains(err.Error(), "rainlogs archive uncover") != (name == "sealed") {
			t.Errorf("first version is %s: %v", name, err)
		}
	}
}
