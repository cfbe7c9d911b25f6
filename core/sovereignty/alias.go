package sovereignty

import "fmt"

// Aliased judges what a host's name is an alias of in the DNS (its canonical
// name, RFC 1034, 3.6.2), beside the host itself: s3.example.eu may be one of a
// company's that the policy refuses. Of a name that the table does not know
// there is nothing to say, and whoever answers for the host answers for it.
//
// The place that is returned is at, under the law of the alias's company if
// the policy refuses that.
func (p Policy) Aliased(at Place, canonical string) (place Place, notice string, err error) {
	alias, err := Lookup(canonical)
	same := !at.Declared && alias.Provider == at.Provider && alias.Location == at.Location
	if err != nil || alias.Class == Unknown || same {
		return at, "", nil //nolint:nilerr // no name that the table could know
	}
	notice, err = p.Judge(alias)
	switch {
	case err != nil:
		err = fmt.Errorf("%s is an alias of another host: %w", at.Host, err)
		alias.Host = at.Host
		return alias, "", err
	case notice != "":
		notice = fmt.Sprintf("%s is an alias of another host: %s", at.Host, notice)
	}
	return at, notice, nil
}
