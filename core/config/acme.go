package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ACME has the API's certificate from a certificate authority that speaks RFC 8555.
type ACME struct {
	Domains   []string `koanf:"domains" doc:"names to have certificates for by ACME (tls-alpn-01: port 443 of each has to lead to api.listen); empty for none"`
	Email     string   `koanf:"email" doc:"where the authority writes when something is wrong with a certificate; may be empty"`
	Cache     string   `koanf:"cache" doc:"folder of the account's key and the certificates; whoever has it can be the API"`
	Directory string   `koanf:"directory" doc:"the authority's ACME directory; with it, its terms are agreed to"`
}

// letsEncrypt is the default directory.
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// maxDomains is more than any site has, and fewer than an authority's limits.
const maxDomains = 20

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (a ACME) validate() error {
	if len(a.Domains) == 0 {
		return nil
	}
	if len(a.Domains) > maxDomains {
		return fmt.Errorf("api.acme.domains has %d names: want %d at most", len(a.Domains), maxDomains)
	}
	for i, d := range a.Domains {
		_, errIP := netip.ParseAddr(d)
		switch {
		case !hostName.MatchString(d) || len(d) > 253 || errIP == nil:
			return fmt.Errorf("api.acme.domains: %.80q is no name such as logs.example.eu (lower case, no *, no address)", d)
		case slices.Contains(a.Domains[:i], d):
			return fmt.Errorf("api.acme.domains: %s is there twice", d)
		}
	}
	if a.Email != "" && (strings.Count(a.Email, "@") != 1 || strings.ContainsAny(a.Email, " ,<>")) {
		return fmt.Errorf("api.acme.email: %.80q is no address such as ops@example.eu", a.Email)
	}
	if a.Cache == "" {
		return errors.New("api.acme.cache is empty: without it each start asks for new certificates, and the authority soon refuses")
	}
	if u, err := url.Parse(a.Directory); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("api.acme.directory: %.80q is no URL such as %s", a.Directory, letsEncrypt)
	}
	return nil
}
