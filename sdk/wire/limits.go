package wire

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxFrame is the largest payload of one stream message in bytes.
const MaxFrame = 256 << 10

// Bounds on what the other side may say.
const (
	maxMessage   = 1 << 20  // bytes of any gRPC message
	maxHeaders   = 64 << 10 // bytes of gRPC headers, error details included
	maxErrorText = 4 << 10
	maxName      = 128
	maxText      = 4 << 10
	maxSettings  = 128
	maxPowers    = 16
	maxDatasets  = 64
	maxRates     = 16
	maxChecks    = 64
	maxFields    = 4096
	maxFailures  = 16
	maxBatch     = 256
	maxPath      = 4096
)

// Config bounds a client's calls. The zero value means the defaults.
type Config struct {
	// Idle is how long a call may go without progress: default 2 minutes.
	// Time that the host's own side takes (a slow reader) does not count.
	Idle time.Duration
	// Commit is how long a Put may take from its last byte to its receipt,
	// and a Probe or Configure in all: default 10 minutes.
	Commit time.Duration
	// MaxStream is the most bytes that one Get or Pull may yield: default
	// 256 GiB. MaxList is the most objects of one List: default 100 million.
	MaxStream int64
	MaxList   int64
}

func (c Config) withDefaults() Config {
	if c.Idle <= 0 {
		c.Idle = 2 * time.Minute
	}
	if c.Commit <= 0 {
		c.Commit = 10 * time.Minute
	}
	if c.MaxStream <= 0 {
		c.MaxStream = 256 << 30
	}
	if c.MaxList <= 0 {
		c.MaxList = 100_000_000
	}
	return c
}

// clip makes a text fit for a protobuf string of at most n bytes.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// checker collects the first bound that an answer breaks.
type checker struct{ err error }

func (c *checker) text(what, s string, n int) {
	if c.err == nil && len(s) > n {
		c.err = fmt.Errorf("%w: %s of %d bytes, at most %d", ErrProtocol, what, len(s), n)
	}
}

func (c *checker) count(what string, have, most int) {
	if c.err == nil && have > most {
		c.err = fmt.Errorf("%w: %d %s, at most %d", ErrProtocol, have, what, most)
	}
}

func (c *checker) texts(what string, list []string, most, n int) {
	c.count(what, len(list), most)
	for _, s := range list {
		c.text(what, s, n)
	}
}

func (c *checker) that(ok bool, format string, args ...any) {
	if c.err == nil && !ok {
		c.err = fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
	}
}
