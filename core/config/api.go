package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// API is the daemon's REST API.
type API struct {
	Listen       string  `koanf:"listen" doc:"HOST:PORT of the REST API; empty for none"`
	TLSCert      string  `koanf:"tls_cert" doc:"file of the certificate chain, PEM, read anew when it changes; empty where a proxy has it"`
	TLSKey       string  `koanf:"tls_key" doc:"file of its private key, PEM"`
	Registration string  `koanf:"registration" doc:"token with which customers are made over the API: file:PATH (0600) or env:NAME; empty for none"`
	Identity     string  `koanf:"identity" doc:"age identities that encrypt the tokens which customers bring: file:PATH (0600) or env:NAME, a line each; the first encrypts, all decrypt; empty takes no tokens"`
	Proxies      string  `koanf:"proxies" doc:"addresses of proxies, such as 10.0.0.0/8, with commas between: their X-Forwarded-For is believed"`
	Status       bool    `koanf:"status" doc:"the status page at /, for who signs in with an API key"`
	PerSecond    float64 `koanf:"requests_per_second" doc:"how many requests a customer may make a second, on average"`
	ACME         ACME    `koanf:"acme"`
}

// minToken is the least length of a registration token: it opens to the world.
const minToken = 24

// Token is the registration token.
func (a API) Token(getenv func(string) string) (string, error) {
	token, err := Secret("api.registration", a.Registration, getenv)
	if err != nil {
		return "", err
	}
	if len(token) < minToken {
		return "", fmt.Errorf("api.registration (%s) has %d characters: want %d at least, such as openssl rand -hex 32", a.Registration, len(token), minToken)
	}
	return token, nil
}

// ProxyPrefixes are the proxies.
func (a API) ProxyPrefixes() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for part := range strings.SplitSeq(a.Proxies, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if ip, errIP := netip.ParseAddr(part); errIP == nil {
			p, err = ip.Prefix(ip.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("api.proxies: %.80q is no address and no prefix such as 10.0.0.0/8", part)
		}
		out = append(out, p)
	}
	return out, nil
}

func (a API) validate() error {
	if _, err := a.ProxyPrefixes(); err != nil {
		return err
	}
	if err := a.ACME.validate(); err != nil {
		return err
	}
	for key, ref := range map[string]string{"registration": a.Registration, "identity": a.Identity} {
		if ref != "" && !strings.HasPrefix(ref, "env:") && !strings.HasPrefix(ref, "file:") {
			return fmt.Errorf("api.%s: give it as env:NAME or file:PATH, never in the open", key)
		}
	}
	switch {
	case (a.TLSCert == "") != (a.TLSKey == ""):
		return errors.New("api.tls_cert and api.tls_key: give both or neither")
	case a.TLSCert != "" && len(a.ACME.Domains) > 0:
		return errors.New("api.tls_cert and api.acme.domains: give one of them")
	case !(a.PerSecond >= 1 && a.PerSecond <= 1e6):
		return fmt.Errorf("api.requests_per_second is %g: want 1 to 1000000", a.PerSecond)
	}
	return nil
}
