package sovereignty

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Class is how a store stands to the law of the EU.
type Class string

// The classes.
const (
	EU       Class = "eu"       // company and place are in the EU or the EEA
	Adequate Class = "adequate" // one of them is in Switzerland or the United Kingdom: decisions (EU) 2000/518, 2021/1772
	Foreign  Class = "foreign"  // one of them is elsewhere
	Unknown  Class = "unknown"  // nobody has said
)

// ErrRefused: the policy does not let evidence be kept there. The text says
// why, and what the operator can do.
var ErrRefused = errors.New("refused by archive.sovereignty")

// ErrInvalid: a policy, a country or a declaration is not what it has to be.
var ErrInvalid = errors.New("not valid")

// Place is where a store is.
type Place struct {
	Host     string `json:"host"`
	Provider string `json:"provider,omitempty"` // of the table, or as declared
	Company  string `json:"company,omitempty"`
	Law      string `json:"law,omitempty"`      // ISO 3166-1 alpha-2: the country whose law the company is under
	Location string `json:"location,omitempty"` // ISO 3166-1 alpha-2: where the objects lie, "" if the host does not tell
	Class    Class  `json:"class"`
	Declared bool   `json:"declared,omitempty"` // it is the operator's word, not the table's
}

// Lookup finds a host ("fsn1.your-objectstorage.com", with a port or without)
// in the table of providers.
func Lookup(host string) (Place, error) {
	name, err := normal(host)
	if err != nil {
		return Place{}, err
	}
	p := Place{Host: name, Class: Unknown}
	if _, err := netip.ParseAddr(name); err == nil {
		return p, nil
	}
	for suffix := name; suffix != ""; _, suffix, _ = strings.Cut(suffix, ".") {
		if r, ok := table()[suffix]; ok {
			p.Provider, p.Company, p.Law, p.Location = r.provider.ID, r.provider.Company, r.provider.Law, r.location
			p.Class = classOf(p.Law, p.Location)
			return p, nil
		}
	}
	return p, nil
}

// normal is a host's name as it is compared: lower case, no port, no final
// dot, in the form of the DNS.
func normal(host string) (string, error) {
	name := host
	if a, err := netip.ParseAddrPort(host); err == nil {
		return a.Addr().String(), nil
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.String(), nil
	}
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || name == "" || strings.ContainsAny(host, "/@ ") {
		return "", fmt.Errorf("%w: %.100q is not the name of a host", ErrInvalid, host)
	}
	return strings.ToLower(name), nil
}

// eea are the countries in which the law of the EU's single market is in force.
var eea = strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK")

// adequate are those of the decisions named at Adequate.
var adequate = []string{"CH", "GB"}

func classOf(countries ...string) Class {
	class := EU
	for _, c := range countries {
		switch {
		case c == "" || slices.Contains(eea, c):
		case slices.Contains(adequate, c):
			if class == EU {
				class = Adequate
			}
		default:
			return Foreign
		}
	}
	return class
}

// Declaration is the operator's word for a store that the table does not know.
type Declaration struct {
	Provider string // who runs it; "self" for the operator
	Country  string // whose law the provider is under, and where the objects lie
}

// Declare takes the operator's word where the table has none. What the table
// knows stays as it is: a declaration that says otherwise is an error.
func (p Place) Declare(d Declaration) (Place, error) {
	if d == (Declaration{}) {
		return p, nil
	}
	country := strings.ToUpper(d.Country)
	if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return p, fmt.Errorf("%w: country %.20q is not two letters such as DE (ISO 3166)", ErrInvalid, d.Country)
	}
	if p.Class != Unknown {
		if country != p.Law && country != p.Location {
			return p, fmt.Errorf("%w: %s is %s's, under the law of %s: it cannot be declared to be in %s", ErrInvalid, p.Host, p.Company, p.Law, country)
		}
		return p, nil
	}
	p.Provider, p.Law, p.Location, p.Declared = d.Provider, country, country, true
	p.Class = classOf(country)
	return p, nil
}

// Policy says which places are let through.
type Policy struct {
	countries []string // nil: those of the EEA, and adequate ones with a notice
	any       bool
}

// ParsePolicy reads "eu" (also for ""), "any", or countries: "DE,FR".
func ParsePolicy(s string) (Policy, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "eu":
		return Policy{}, nil
	case "any":
		return Policy{any: true}, nil
	}
	var p Policy
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '[' || r == ']' }) {
		c := strings.ToUpper(f)
		if len(c) != 2 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return p, fmt.Errorf("%w: archive.sovereignty %.100q: want eu, any, or countries such as [DE, FR]", ErrInvalid, s)
		}
		p.countries = append(p.countries, c)
	}
	if len(p.countries) == 0 {
		return p, fmt.Errorf("%w: archive.sovereignty %.100q names no country", ErrInvalid, s)
	}
	return p, nil
}

func (p Policy) String() string {
	switch {
	case p.any:
		return "any"
	case p.countries == nil:
		return "eu"
	}
	return strings.Join(p.countries, ",")
}

// Judge returns nil if evidence may be kept at a place, perhaps with a notice
// for the operator; else ErrRefused, with the reason.
func (p Policy) Judge(at Place) (notice string, err error) {
	switch {
	case p.any:
		return "", nil
	case at.Class == Unknown:
		return "", fmt.Errorf("%w: nobody has said under whose law %s is: state it in the store's entry (country: DE, provider: self)", ErrRefused, at.Host)
	case p.countries != nil:
		for _, c := range []string{at.Law, at.Location} {
			if c != "" && !slices.Contains(p.countries, c) {
				return "", fmt.Errorf("%w: %s, which is not one of %s", ErrRefused, at.where(), p)
			}
		}
		return "", nil
	case at.Class == Foreign:
		return "", fmt.Errorf("%w: %s, outside the EU and the EEA%s", ErrRefused, at.where(), reach(at.Law))
	case at.Class == Adequate:
		return at.where() + ": not the EU, but found adequate by the Commission", nil
	}
	return "", nil
}

// where says whose a place is.
func (p Place) where() string {
	who := p.Company
	if who == "" {
		who = p.Provider
	}
	if who == "" {
		who = "its provider"
	}
	text := fmt.Sprintf("%s is %s's, under the law of %s", p.Host, who, p.Law)
	if p.Location != "" && p.Location != p.Law {
		text += ", and keeps objects in " + p.Location
	}
	return text
}

// reach names the law by which a company can be made to hand over what it
// holds elsewhere.
func reach(law string) string {
	switch law {
	case "US":
		return ": by the CLOUD Act (18 U.S.C. § 2713) it can be made to hand over what it holds, wherever the data centre is"
	case "CN":
		return ": by the National Intelligence Law (art. 7) and the Data Security Law it can be made to hand over what it holds"
	}
	return ""
}
