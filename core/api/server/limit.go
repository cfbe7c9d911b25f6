package server

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limiters bounds what one address or one customer may ask for. Those that
// have not been heard of for longest are forgotten.
type limiters struct {
	limit rate.Limit
	burst int
	of    *lru.Cache[string, *rate.Limiter]
}

func newLimiters(perSecond float64, burst, size int) (*limiters, error) {
	cache, err := lru.New[string, *rate.Limiter](size)
	if err != nil {
		return nil, fmt.Errorf("make rate limits: %w", err)
	}
	return &limiters{rate.Limit(perSecond), burst, cache}, nil
}

// take returns how long to wait before asking again, 0 for go on.
func (l *limiters) take(who string, now time.Time) time.Duration {
	bucket, ok := l.of.Get(who)
	if !ok {
		bucket = rate.NewLimiter(l.limit, l.burst)
		if earlier, there, _ := l.of.PeekOrAdd(who, bucket); there {
			bucket = earlier
		}
	}
	if bucket.AllowN(now, 1) {
		return 0
	}
	return time.Duration(float64(time.Second) / float64(l.limit))
}

// address is whom a limit is for: one IPv4 address, or the /64 that one host's
// IPv6 addresses are of. Of a request that a proxy of ours passes on, it is the
// last address in X-Forwarded-For that is no proxy's: what stands before it,
// anybody may have written.
func (s *Server) address(r *http.Request) string {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	ip := ap.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.proxy(ip); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = hop.Unmap()
	}
	ip = ip.WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

func (s *Server) proxy(ip netip.Addr) bool {
	return slices.ContainsFunc(s.cfg.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func retryAfter(h http.Header, wait time.Duration) {
	h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
}
