package site

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/sovereignty"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	sdkconfig "github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// Placed is where one of the archive's stores is, and what lets it be used:
// what is sealed as an observation of topic stores.
type Placed struct {
	Name   string `json:"name"`
	Plugin string `json:"plugin"`
	sovereignty.Place
	Policy   string `json:"policy"`
	Override string `json:"override,omitempty"` // the operator's words
	Notice   string `json:"-"`
	Note     string `json:"-"` // of what could not be found out
}

// placed judges a store by its settings; nil for one on this machine's disks.
func (w *Workspace) placed(ctx context.Context, p config.Plugin, about wire.About, values sdkconfig.Values) (*Placed, error) {
	if _, ok := standard.Find(wire.KindStorage, p.Name()); ok && !hasEndpoint(about.Schema) {
		return nil, nil
	}
	policy, err := sovereignty.ParsePolicy(w.Config.Archive.Sovereignty)
	if err != nil {
		return nil, Usage(err)
	}
	at, err := place(p, about, values)
	if err != nil {
		return nil, Usagef("archive.storage %s: %w", p.StoreName(), err)
	}
	out := &Placed{Name: p.StoreName(), Plugin: p.Name(), Place: at, Policy: policy.String()}
	out.Place, out.Notice, out.Note, err = w.judge(ctx, policy, at)
	if err == nil {
		return out, nil
	}
	out.Override = strings.TrimSpace(p.Override())
	if out.Override == "" {
		return nil, Usagef("store %s is %w. Whoever answers for that can say so in the store's entry (override: \"why, and who decided\"), which is sealed into every chain", p.StoreName(), err)
	}
	out.Notice = err.Error() + ", and overridden in the config: " + out.Override
	return out, nil
}

func hasEndpoint(schema sdkconfig.Schema) bool {
	return slices.ContainsFunc(schema, func(f sdkconfig.Field) bool { return f.Endpoint })
}

// place is where the settings say that objects go.
func place(p config.Plugin, about wire.About, values sdkconfig.Values) (at sovereignty.Place, err error) {
	at = sovereignty.Place{Host: "plugin " + p.Name(), Class: sovereignty.Unknown}
	for _, f := range about.Schema {
		if !f.Endpoint || values[f.Name] == "" {
			continue
		}
		if at, err = sovereignty.Lookup(hostOf(values[f.Name])); err != nil {
			return at, fmt.Errorf("setting %s: %w", f.Name, err)
		}
	}
	if p.Country() == "" {
		return at, nil
	}
	return at.Declare(sovereignty.Declaration{Provider: p.Provider(), Country: p.Country()}) //nolint:wrapcheck // says what is wrong
}

// hostOf is the host in a URL, or else the text itself.
func hostOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
		return u.Host
	}
	return endpoint
}

// preset fills in the settings that follow from a provider's name.
func preset(p config.Plugin, settings map[string]string) error {
	if p.Provider() == "" || settings["endpoint"] != "" || p.Country() != "" {
		return nil
	}
	preset, err := sovereignty.PresetOf(p.Provider(), settings["region"])
	if err != nil {
		return Usagef("archive.storage %s: %w", p.StoreName(), err)
	}
	settings["endpoint"], settings["region"] = preset.Endpoint, preset.Region
	if preset.PathStyle && settings["path_style"] == "" {
		settings["path_style"] = "true"
	}
	return nil
}

// admit judges a store whenever its plugin is started, before it gets its
// settings.
func (w *Workspace) admit(ctx context.Context, p config.Plugin) func(wire.About, sdkconfig.Values) error {
	return func(about wire.About, values sdkconfig.Values) error {
		at, err := w.placed(ctx, p, about, values)
		if err != nil || at == nil {
			return err
		}
		w.placing.Lock()
		defer w.placing.Unlock()
		if _, known := w.places[at.Name]; !known && at.Notice != "" {
			w.Logger().Info("where evidence is kept", "store", at.Name, "notice", at.Notice)
		}
		if at.Note != "" {
			w.Logger().Info("where evidence is kept", "store", at.Name, "note", at.Note)
		}
		if w.places == nil {
			w.places = map[string]Placed{}
		}
		w.places[at.Name] = *at
		return nil
	}
}

// Places are where the stores are that were opened, in the config's order;
// those on this machine's disks are left out.
func (w *Workspace) Places() []Placed {
	w.placing.Lock()
	defer w.placing.Unlock()
	var out []Placed
	for _, p := range w.Config.Archive.Storage {
		if at, ok := w.places[p.StoreName()]; ok {
			out = append(out, at)
		}
	}
	return out
}

// Statements are what is to be sealed of the archive's stores; none if all of
// them are on this machine's disks.
func (w *Workspace) Statements() ([]evidence.Observation, error) {
	stores := w.Places()
	if len(stores) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(map[string]any{"stores": stores})
	if err != nil {
		return nil, fmt.Errorf("encode where the stores are: %w", err)
	}
	value := jsontext.Value(b)
	if err := value.Canonicalize(); err != nil {
		return nil, fmt.Errorf("encode where the stores are: %w", err)
	}
	return []evidence.Observation{{Topic: evidence.TopicStores, Value: json.RawMessage(value)}}, nil
}
