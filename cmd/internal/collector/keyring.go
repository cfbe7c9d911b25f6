package collector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
	"github.com/fabriziosalmi/rainlogs/core/api/server"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// maxOverlap is how long a key may work beside the one in its place: the API's bound.
const maxOverlap = 7 * 24 * time.Hour

// keyring are a customer's keys, in the catalog here or at a collector elsewhere.
type keyring interface {
	add(ctx context.Context, o keyAddOptions) (keyView, error)
	all(ctx context.Context) ([]keyView, error)
	rotate(ctx context.Context, id string, overlap time.Duration) (keyView, error)
	revoke(ctx context.Context, id string) error
}

// withKeys has a customer's keyring answer f.
func withKeys(cmd *cobra.Command, env *site.Env, g *site.Globals, customer string, f func(k keyring) error) error {
	ctx := cmd.Context()
	if !g.Remote() {
		return withTenants(ctx, env, g, customer, func(_ *site.Workspace, s tenant.Store) error {
			return f(&localKeys{env: env, store: s, customer: customer})
		})
	}
	return withServer(cmd, g, customer, func(c *client.Client, customer string) error {
		return f(&remoteKeys{env: env, client: c, customer: customer})
	})
}

// withServer asks a collector elsewhere, as the customer whose the key is; --customer may say no other.
func withServer(cmd *cobra.Command, g *site.Globals, customer string, f func(c *client.Client, customer string) error) error {
	c, err := g.Client()
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	defer c.Close()
	me, err := c.Me(cmd.Context())
	if err != nil {
		return fmt.Errorf("ask whose the key is: %w", err)
	}
	if cmd.Flags().Changed("customer") && customer != me.Customer.Id {
		return site.Usagef("--customer: the API key is of customer %q, and opens nothing of another", me.Customer.Id)
	}
	return f(c, me.Customer.Id)
}

// withTenants runs f over the catalog's customers, of which there must be this one.
func withTenants(ctx context.Context, env *site.Env, g *site.Globals, customer string, f func(w *site.Workspace, s tenant.Store) error) error {
	w, err := site.OpenCatalogOnly(ctx, env, g)
	if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	defer w.Close()
	s, ok := w.Catalog.(tenant.Store)
	if !ok {
		return site.Usagef("this kind of catalog knows no customers")
	}
	if _, err := s.Customer(ctx, customer); errors.Is(err, catalog.ErrNotFound) {
		return site.Usagef("there is no customer %q", customer)
	} else if err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	return f(w, s)
}

// entered does an act at the machine itself, as the audit log has it.
func entered(ctx context.Context, s tenant.Store, e tenant.Event, act func() error) error {
	e.RequestID, e.Address = "command line", "local"
	var err error
	if e.Seq, err = s.AddEvent(ctx, e); err != nil {
		return err //nolint:wrapcheck // says what it did
	}
	e.Outcome = "done"
	if err = act(); err != nil {
		e.Outcome = "failed"
	}
	return errors.Join(err, s.EndEvent(ctx, e))
}

// localKeys are in the catalog.
type localKeys struct {
	env      *site.Env
	store    tenant.Store
	customer string
}

func (k *localKeys) add(ctx context.Context, o keyAddOptions) (keyView, error) {
	now := k.env.Now()
	var expires time.Time
	if o.expires > 0 {
		expires = now.Add(o.expires)
	}
	made, secret, err := server.Mint(rand.Reader, bcrypt.DefaultCost, now, k.customer, o.name, tenant.Role(o.role), expires)
	if err != nil {
		return keyView{}, err //nolint:wrapcheck // says what it did
	}
	e := tenant.Event{At: now, Customer: k.customer, Action: "api-key.create", Subject: made.ID}
	if err := entered(ctx, k.store, e, func() error { return k.store.AddKey(ctx, made) }); err != nil {
		return keyView{}, err
	}
	v := viewKey(made)
	v.Secret = secret
	return v, nil
}

func (k *localKeys) all(ctx context.Context) ([]keyView, error) {
	keys, err := k.store.ListKeys(ctx, k.customer)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	views := make([]keyView, len(keys))
	for i, key := range keys {
		views[i] = viewKey(key)
	}
	return views, nil
}

// rotate does what the API does: the new key is there before the old one ends.
func (k *localKeys) rotate(ctx context.Context, id string, overlap time.Duration) (keyView, error) {
	now := k.env.Now()
	keys, err := k.store.ListKeys(ctx, k.customer)
	if err != nil {
		return keyView{}, err //nolint:wrapcheck // says what it did
	}
	for _, old := range keys {
		if old.ID != id {
			continue
		}
		if !old.Usable(now) {
			return keyView{}, site.EndWith(site.ExitFailed, fmt.Sprintf("key %s has ended already: make a new one", id))
		}
		made, secret, err := server.Mint(rand.Reader, bcrypt.DefaultCost, now, k.customer, old.Name, old.Role, old.ExpiresAt)
		if err != nil {
			return keyView{}, err //nolint:wrapcheck // says what it did
		}
		e := tenant.Event{At: now, Customer: k.customer, Action: "api-key.rotate", Subject: old.ID + " " + made.ID}
		err = entered(ctx, k.store, e, func() error {
			if err := k.store.AddKey(ctx, made); err != nil {
				return err //nolint:wrapcheck // says what it did
			}
			return k.store.ExpireKey(ctx, k.customer, old.ID, now.Add(overlap)) //nolint:wrapcheck // says what it did
		})
		v := viewKey(made)
		v.Secret = secret
		return v, err
	}
	return keyView{}, noKey(k.customer, id)
}

func (k *localKeys) revoke(ctx context.Context, id string) error {
	now := k.env.Now()
	e := tenant.Event{At: now, Customer: k.customer, Action: "api-key.revoke", Subject: id[:min(len(id), 64)]}
	err := entered(ctx, k.store, e, func() error { return k.store.RevokeKey(ctx, k.customer, id, now) })
	if errors.Is(err, catalog.ErrNotFound) {
		return noKey(k.customer, id)
	}
	return err
}

func noKey(customer, id string) error {
	return site.Usagef("%s has no key %q: api-key list has them", customer, id)
}

// remoteKeys are at a collector elsewhere.
type remoteKeys struct {
	env      *site.Env
	client   *client.Client
	customer string
}

func (k *remoteKeys) view(key gen.Key) keyView {
	return keyView{
		ID: key.Id, Customer: k.customer, Name: key.Name, Role: string(key.Role), Prefix: key.Prefix, CreatedAt: key.CreatedAt,
		ExpiresAt: optional(key.ExpiresAt), RevokedAt: optional(key.RevokedAt), UsedAt: optional(key.LastUsedAt),
	}
}

func (k *remoteKeys) secret(made *gen.KeySecret) keyView {
	v := k.view(gen.Key{
		Id: made.Id, Name: made.Name, Role: gen.KeyRole(made.Role), Prefix: made.Prefix, CreatedAt: made.CreatedAt, ExpiresAt: made.ExpiresAt,
	})
	v.Secret = made.Secret
	return v
}

func (k *remoteKeys) add(ctx context.Context, o keyAddOptions) (keyView, error) {
	var expires time.Time
	if o.expires > 0 {
		expires = k.env.Now().Add(o.expires)
	}
	made, err := k.client.AddKey(ctx, o.name, o.role, expires)
	if err != nil {
		return keyView{}, fmt.Errorf("make key: %w", err)
	}
	return k.secret(made), nil
}

func (k *remoteKeys) all(ctx context.Context) ([]keyView, error) {
	keys, err := k.client.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	views := make([]keyView, len(keys))
	for i, key := range keys {
		views[i] = k.view(key)
	}
	return views, nil
}

func (k *remoteKeys) rotate(ctx context.Context, id string, overlap time.Duration) (keyView, error) {
	made, err := k.client.RotateKey(ctx, id, overlap)
	if err != nil {
		return keyView{}, k.failed("rotate", id, err)
	}
	return k.secret(made), nil
}

func (k *remoteKeys) revoke(ctx context.Context, id string) error {
	if err := k.client.RevokeKey(ctx, id); err != nil {
		return k.failed("revoke", id, err)
	}
	return nil
}

func (k *remoteKeys) failed(what, id string, err error) error {
	var p *api.Problem
	if errors.As(err, &p) && p.Code == api.CodeNotFound {
		return noKey(k.customer, id)
	}
	return fmt.Errorf("%s key: %w", what, err)
}
