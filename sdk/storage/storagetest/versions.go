package storagetest

import (
	"bytes"
	"errors"
	"io"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// testVersions is for storages with that power only. How something is written
// past a storage the suite cannot know: what covers an object is for the
// adapter's own tests.
func testVersions(t conformance.T, s storage.Storage) {
	v, ok := s.(storage.Versioner)
	if !ok {
		t.Skip("storage keeps no versions")
	}
	content := noise(9, 300_000) // more than one frame
	mustPut(t, s, "v/one", content)
	mustPut(t, s, "v/one.more", []byte("begins alike"))
	have, err := first(t, v, "v/one", 0, -1)
	if errors.Is(err, errors.ErrUnsupported) { // a host's client of a plugin without it
		t.Skip("storage keeps no versions")
	}
	if err != nil || !bytes.Equal(have, content) {
		t.Errorf("first version: %d bytes, %v, want the %d that were put", len(have), err, len(content))
	}
	if have, err := first(t, v, "v/one", 100, 50); err != nil || !bytes.Equal(have, content[100:150]) {
		t.Errorf("first version from 100, 50 bytes: %d bytes, %v", len(have), err)
	}
	if err := v.Uncover(contextFor(t), "v/one", digest(content)); err != nil {
		t.Errorf("uncover what nothing covers: %v", err)
	}
	if err := v.Uncover(contextFor(t), "v/one", digest(nil)); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("uncover other bytes: %v, want ErrChanged", err)
	}
	wantContent(t, s, "v/one", content)
	if err := s.Delete(contextFor(t), "v/one"); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]error{"v/one": storage.ErrNotFound, "v/never": storage.ErrNotFound, "../v": storage.ErrInvalidKey} {
		if _, err := first(t, v, key, 0, -1); !errors.Is(err, want) {
			t.Errorf("first version of %s: %v, want: %v", key, err, want)
		}
		if err := v.Uncover(contextFor(t), key, digest(content)); !errors.Is(err, want) {
			t.Errorf("uncover %s: %v, want: %v", key, err, want)
		}
	}
	wantContent(t, s, "v/one.more", []byte("begins alike"))
}

func first(t conformance.T, v storage.Versioner, key string, offset, length int64) ([]byte, error) {
	t.Helper()
	r, err := v.GetFirst(contextFor(t), key, offset, length)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}
