package config

import (
	"fmt"
	"slices"
	"strings"
)

// PinKey is the key of a plugin's pin.
func PinKey(kind, name string) string { return kind + "/" + name }

// PinOf returns a plugin's pin. plain: its key is the name alone, which does
// not say of which kind it is.
func (p Plugins) PinOf(kind, name string) (pin string, plain, ok bool) {
	if pin, ok = p.Pin[PinKey(kind, name)]; ok {
		return pin, false, true
	}
	pin, ok = p.Pin[name]
	return pin, ok, ok
}

func (p Plugins) validate() error {
	for key := range p.Pin {
		if kind, _, precise := strings.Cut(key, "/"); precise && kind != "source" && kind != "storage" {
			return fmt.Errorf("plugins.pin.%.80s: want source/NAME, storage/NAME, or NAME", key)
		}
	}
	return nil
}

// Name is the plugin's name.
func (p Plugin) Name() string {
	name, _ := p["plugin"].(string)
	return name
}

// StoreName is what a store is called: its own name, or else the plugin's.
func (p Plugin) StoreName() string {
	if name, _ := p["name"].(string); name != "" {
		return name
	}
	return p.Name()
}

// ownKeys are the host's; all others are the plugin's.
var ownKeys = []string{"name", "plugin", "provider", "country", "override"}

// Provider names the company that runs a store: of the table of providers, or
// whatever the operator calls one that the table does not know.
func (p Plugin) Provider() string { return p.text("provider") }

// Country is the operator's word for whose law a store is under.
func (p Plugin) Country() string { return p.text("country") }

// Override are the words in which an operator takes a store that
// archive.sovereignty refuses. They are sealed into the chains.
func (p Plugin) Override() string { return p.text("override") }

func (p Plugin) text(key string) string {
	s, _ := p[key].(string)
	return s
}

// Settings are the values for the plugin's own schema, as text.
func (p Plugin) Settings() map[string]string {
	out := map[string]string{}
	for name, v := range p {
		if slices.Contains(ownKeys, name) {
			continue
		}
		if list, ok := v.([]any); ok {
			items := make([]string, len(list))
			for i, item := range list {
				items[i] = fmt.Sprint(item)
			}
			out[name] = strings.Join(items, ",")
			continue
		}
		out[name] = fmt.Sprint(v)
	}
	return out
}
