package standard_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func s3Values(server *s3test.Server, bucket string) config.Values {
	return config.Values{
		"endpoint": server.URL(), "region": s3test.Region, "bucket": bucket, "prefix": "archives/one",
		"access_key_id": server.Root.ID, "secret_access_key": server.Root.Secret, "part_size": "5", "lock": "compliance",
	}
}

func launchS3(t testing.TB, h *pluginhost.Host, values config.Values) storage.Storage {
	t.Helper()
	i, err := h.Launch(context.Background(), pluginhost.Self(wire.KindStorage, "s3", values))
	if err != nil {
		t.Fatal(err)
	}
	s, err := i.Storage()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestS3ConformsThroughItsProcess runs the whole suite over a real plugin
// process and a real server.
func TestS3ConformsThroughItsProcess(t *testing.T) {
	t.Parallel()
	server, h := s3test.Shared(t), newHost(t)
	storagetest.Run(t, func(t *testing.T) storage.Storage {
		return launchS3(t, h, s3Values(server, server.Bucket(t, s3test.Locked)))
	})
}

// TestS3ErrorsCrossTheBoundary with their class, and without secrets; so do
// the lock and its date.
func TestS3ErrorsCrossTheBoundary(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	server := s3test.Shared(t)
	h, err := pluginhost.New(pluginhost.Config{Logger: slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	values := s3Values(server, server.Bucket(t, s3test.Locked))
	s := launchS3(t, h, values)
	content := []byte("evidence")
	req := storage.PutRequest{Key: "k", Size: int64(len(content)), SHA256: digest(content)}
	req.RetainUntil = time.Now().Add(time.Hour)
	if _, err := s.Put(t.Context(), req, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "k"); !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "COMPLIANCE until") {
		t.Errorf("delete: %v", err)
	}
	values["secret_access_key"] = "wr0ng-" + server.Root.Secret
	if _, err := launchS3(t, h, values).Stat(t.Context(), "k"); !errors.Is(err, storage.ErrPermission) || strings.Contains(err.Error(), server.Root.Secret) {
		t.Errorf("stat with wrong keys: %v", err)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if text := said.String(); !strings.Contains(text, "store honours conditional writes") || strings.Contains(text, server.Root.Secret) {
		t.Errorf("log: %s", text)
	}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
