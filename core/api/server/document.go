package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/api"
)

// Document is what /openapi.json serves, for who generates from it: indented,
// and with a version of its own, which is that of the paths.
func Document() ([]byte, error) {
	s, err := New(Config{Version: "1", Cost: bcrypt.MinCost, Random: rand.Reader, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	served, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, served, "", "  "); err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// describeEvents adds the data of server-sent events to the document's schemas,
// which nothing refers to: OpenAPI 3.1 knows no streams of them.
func (s *Server) describeEvents() {
	schemas := s.api.OpenAPI().Components.Schemas
	for _, v := range []any{api.Progress{}, api.Verification{}, api.Removed{}, api.Grown{}} {
		schemas.Schema(reflect.TypeOf(v), true, "")
	}
}
