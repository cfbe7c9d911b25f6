package site

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/credential"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// Keyring reads the keys that customers' tokens are encrypted with, as they are
// at present.
func Keyring(cfg *config.Config, getenv func(string) string) (*credential.Keyring, error) {
	if cfg.API.Identity == "" {
		return nil, errors.New("api.identity is not set: there is no key for customers' tokens")
	}
	text, err := config.Secret("api.identity", cfg.API.Identity, getenv)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the key
	}
	k, err := credential.ParseKeyring(text)
	if err != nil {
		return nil, fmt.Errorf("api.identity (%s): %w", cfg.API.Identity, err)
	}
	return k, nil
}

// OwnError is why a customer's own source cannot be used. Its words are for the
// customer too: they hold nothing of the operator's.
type OwnError struct {
	text  string
	cause error
}

func (e *OwnError) Error() string { return e.text }

func (e *OwnError) Unwrap() error { return e.cause }

// owned is a customer's source and the credential that it is to be used with.
func (s *Sources) owned(ctx context.Context, customer, name string) (tenant.Credential, error) {
	store, ok := s.w.Catalog.(tenant.Store)
	if !ok {
		return tenant.Credential{}, errors.New("this kind of catalog knows no customers")
	}
	c, err := store.Credential(ctx, customer, name)
	if errors.Is(err, catalog.ErrNotFound) {
		return c, &OwnError{fmt.Sprintf("there is no token for source %s: PUT /v1/sources/%s brings one", name, name), err}
	}
	return c, err //nolint:wrapcheck // says what it did
}

// launchOwn starts a plugin with a customer's token, and otherwise with the
// settings that the config has for the plugin. The token is a value and no more:
// what looks like a reference in it is not followed.
func (s *Sources) launchOwn(ctx context.Context, c tenant.Credential) (*pluginhost.Instance, error) {
	keys, err := Keyring(s.w.Config, s.w.Env.Getenv)
	var secret credential.Secret
	if err == nil {
		secret, err = keys.Open(c.Customer, c.Name, c.Sealed)
	}
	if err != nil {
		s.w.Logger().ErrorContext(ctx, "customer's token cannot be opened", "customer", c.Customer, "source", c.Name, "error", err)
		return nil, &OwnError{fmt.Sprintf("the token of source %s cannot be opened: the operator of this server has to look, or bring it again", c.Name), err}
	}
	values, err := s.w.resolveSecrets(wire.KindSource, c.Plugin, s.ownSettings(c.Plugin))
	if err != nil {
		return nil, &OwnError{"the settings of this server do not allow it", err}
	}
	values[tokenSetting] = string(secret)
	instance, err := s.w.launchWith(ctx, wire.KindSource, c.Plugin, values, nil)
	if err != nil {
		return nil, &OwnError{fmt.Sprintf("source %s cannot be started with this token", c.Name), err}
	}
	return instance, nil
}

// Renewed are the customers' own sources, and when their tokens were last given.
func (s *Sources) Renewed(ctx context.Context) (map[string]time.Time, error) {
	store, ok := s.w.Catalog.(tenant.Store)
	if !ok {
		return nil, nil
	}
	all, err := store.ListCredentials(ctx, "")
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	at := map[string]time.Time{}
	for _, c := range all {
		at[tenant.OwnSource(c.Customer, c.Name)] = c.UpdatedAt
	}
	return at, nil
}

// tokenSetting is the plugin's setting that a customer brings.
const tokenSetting = "token"

// ownSettings are the config's for a plugin, without any secret of the operator's.
func (s *Sources) ownSettings(plugin string) map[string]string {
	configured := s.w.Config.Sources[plugin]
	if name := configured.Name(); name != "" && name != plugin {
		return map[string]string{}
	}
	settings := maps.Clone(configured.Settings())
	delete(settings, tokenSetting)
	if p, ok := standard.Find(wire.KindSource, plugin); ok {
		for _, f := range p.Schema {
			if f.Secret {
				delete(settings, f.Name)
			}
		}
	}
	return settings
}

// tendEvery is how often Tend looks.
const tendEvery = 5 * time.Second

// Tend ends the plugins of tokens that were replaced or taken away, here or by
// another process, until ctx ends.
func (s *Sources) Tend(ctx context.Context) {
	t := time.NewTicker(tendEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.tend(ctx)
		}
	}
}

func (s *Sources) tend(ctx context.Context) {
	store, ok := s.w.Catalog.(tenant.Store)
	s.mu.Lock()
	retired := s.retired
	s.retired = nil
	own := maps.Clone(s.open)
	s.mu.Unlock()
	maps.DeleteFunc(own, func(name string, _ *openSource) bool {
		_, _, is := tenant.ParseOwnSource(name)
		return !is
	})
	if ok && len(own) > 0 {
		all, err := store.ListCredentials(ctx, "")
		if err != nil {
			s.w.Logger().DebugContext(ctx, "customers' tokens not looked at", "error", err)
			own = nil
		}
		for _, c := range all {
			delete(own, tenant.OwnSource(c.Customer, c.Name))
		}
		for name, o := range own {
			retired = append(retired, s.drop(ctx, name, o)...)
		}
	}
	for _, i := range retired {
		if err := i.Close(ctx); err != nil {
			s.w.Logger().WarnContext(ctx, "end a plugin whose token is gone", "error", err)
		}
	}
}

// drop forgets a source, and returns the plugin that it had.
func (s *Sources) drop(ctx context.Context, name string, o *openSource) []*pluginhost.Instance {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return nil
	}
	s.mu.Lock()
	delete(s.open, name)
	s.mu.Unlock()
	had := o.instance
	o.done, o.instance = false, nil
	if had == nil {
		return nil
	}
	return []*pluginhost.Instance{had}
}
