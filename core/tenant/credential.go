package tenant

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ErrInUse: a zone under collection needs it.
var ErrInUse = errors.New("is in use")

// Credential is what a customer collects with where the config has nothing for
// it: a source of its own, by a secret that it has brought.
type Credential struct {
	Customer  string
	Name      string // what the customer calls the source
	Plugin    string // that collects
	Sealed    []byte // the secret; package credential opens it
	Recipient string // the public key that it is encrypted to
	CreatedAt time.Time
	UpdatedAt time.Time // when the customer last gave the secret
}

// Credentials keeps the customers' secrets, encrypted.
type Credentials interface {
	// PutCredential inserts or replaces by Customer and Name; what is replaced
	// keeps its CreatedAt. catalog.ErrNotFound by customer.
	PutCredential(ctx context.Context, c Credential) error
	// Credential finds one; catalog.ErrNotFound.
	Credential(ctx context.Context, customer, name string) (Credential, error)
	// ListCredentials returns a customer's, or all ("") by customer and name.
	ListCredentials(ctx context.Context, customer string) ([]Credential, error)
	// ResealCredential replaces Sealed and Recipient of one that is still
	// sealed as it was; else catalog.ErrNotFound.
	ResealCredential(ctx context.Context, c Credential, was []byte) error
	// RemoveCredential removes one that no zone under collection needs:
	// ErrInUse, catalog.ErrNotFound.
	RemoveCredential(ctx context.Context, customer, name string) error
}

// ownPrefix stands before the names of sources that are not the config's.
const ownPrefix = "customer/"

// OwnSource is what a zone's Source is where a customer collects by its own
// credential. A source of the config cannot be called so.
func OwnSource(customer, name string) string { return ownPrefix + customer + "/" + name }

// ParseOwnSource takes OwnSource apart.
func ParseOwnSource(source string) (customer, name string, ok bool) {
	rest, own := strings.CutPrefix(source, ownPrefix)
	customer, name, ok = strings.Cut(rest, "/")
	return customer, name, own && ok
}

var credentialName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// maxSealed bounds an encrypted secret: it is a token of 4 KiB at most.
const maxSealed = 16 << 10

// Check refuses a credential that could not be used.
func (c Credential) Check() error {
	switch {
	case c.Customer == "" || strings.Contains(c.Customer, "/"):
		return errors.New("credential is nobody's")
	case !credentialName.MatchString(c.Name):
		return fmt.Errorf("credential %.80q: want 1 to 64 lower-case letters, digits, _ and -", c.Name)
	case c.Plugin == "" || c.Recipient == "" || len(c.Sealed) == 0 || len(c.Sealed) > maxSealed:
		return fmt.Errorf("credential %s lacks its plugin, recipient or secret", c.Name)
	}
	return nil
}
