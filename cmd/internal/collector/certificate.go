package collector

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a TLS certificate in two files, read anew when one of them
// has changed: whoever renews it need not tell us.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	of     [2]time.Time // when the files that were read last were written
	loaded *tls.Certificate
}

// get is for tls.Config. Files that cannot be used leave the certificate that
// there is in force.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var of [2]time.Time
	var errs []error
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		of[i] = info.ModTime()
	}
	if c.loaded != nil && of == c.of {
		return c.loaded, nil
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err = errors.Join(append(errs, err)...); err == nil {
		c.loaded, c.of = &loaded, of
		return c.loaded, nil
	}
	if c.loaded == nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	c.of = of // told once, not with each handshake
	c.log.Error("certificate cannot be read; the present one stays in force", "error", err)
	return c.loaded, nil
}
