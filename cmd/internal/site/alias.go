package site

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/sovereignty"
)

// aliasTimeout bounds the question of what a name is an alias of: an archive
// is to be opened without a network too.
const aliasTimeout = 3 * time.Second

// canonicalName asks the DNS.
func canonicalName(ctx context.Context, host string) (string, error) {
	return net.DefaultResolver.LookupCNAME(ctx, host+".") //nolint:wrapcheck // by the caller
}

// judge judges a place, and what its host is an alias of. What cannot be
// resolved is noted, and no more: nothing can be sent there either, unless a proxy resolves it.
func (w *Workspace) judge(ctx context.Context, policy sovereignty.Policy, at sovereignty.Place) (place sovereignty.Place, notice, note string, err error) {
	notice, err = policy.Judge(at)
	if err != nil || policy.String() == "any" || !w.resolvable(at) {
		return at, notice, "", err //nolint:wrapcheck // says why
	}
	// A plugin may be started again long after the call that started it first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aliasTimeout)
	defer cancel()
	canonical, err := w.Env.CanonicalName(ctx, at.Host)
	if err != nil {
		return at, notice, unresolved(at.Host, err), nil
	}
	place, more, err := policy.Aliased(at, canonical)
	if more != "" {
		notice = more
	}
	return place, notice, "", err //nolint:wrapcheck // says why
}

// resolvable: the place is a host with a name.
func (w *Workspace) resolvable(at sovereignty.Place) bool {
	if _, err := netip.ParseAddr(at.Host); err == nil || w.Env.CanonicalName == nil {
		return false
	}
	return at.Host != "localhost" && !strings.Contains(at.Host, " ") // "plugin NAME"
}

func unresolved(host string, err error) string {
	reason := err.Error()
	var dns *net.DNSError
	if errors.As(err, &dns) { // which would name the resolver's address, and the host again
		reason = dns.Err
	}
	return fmt.Sprintf("whether %s is an alias of another host was not found out: %s", host, reason)
}
