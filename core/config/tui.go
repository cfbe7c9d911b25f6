package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// TUI is how the workstation looks and which keys it has.
type TUI struct {
	Theme     string `koanf:"theme" doc:"auto (as the terminal is), dark or light"`
	Mouse     bool   `koanf:"mouse" doc:"the workstation takes the mouse; false leaves it to the terminal"`
	LocalTime bool   `koanf:"local_time" doc:"times in the machine's zone, not in UTC"`
	Log       string `koanf:"log" doc:"where the collector's log goes, for its screen: journal:UNIT, file:PATH, or off"`
	Keys      Keys   `koanf:"keys" doc:"keys in place of the defaults, by action: {overview.reload: [R, f5]}; rainlogs tui --keys lists the actions"`
}

// Keys are keys by action. Actions are the workstation's own: which there are
// is not known here.
type Keys map[string]any

// Bindings are the keys by action, "overview.reload" or "reload".
func (k Keys) Bindings() map[string][]string {
	out := map[string][]string{}
	bindings("", k, func(action string, keys []string, _ bool) { out[action] = keys })
	return out
}

// bindings walks keys, which may be a text or a list, below a scope or behind its name and a dot.
func bindings(scope string, in map[string]any, each func(action string, keys []string, ok bool)) {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		switch v := in[name].(type) {
		case map[string]any:
			bindings(scope+name+".", v, each)
		case []any:
			keys, ok := make([]string, len(v)), true
			for i, k := range v {
				keys[i] = fmt.Sprint(k) // 1 is a key too
				switch k.(type) {
				case string, int, int64, uint64:
				default:
					ok = false
				}
			}
			each(scope+name, keys, ok)
		case string, int, int64, uint64:
			each(scope+name, []string{fmt.Sprint(v)}, true)
		default:
			each(scope+name, nil, false)
		}
	}
}

func (t TUI) validate() error {
	if t.Theme != "auto" && t.Theme != "dark" && t.Theme != "light" {
		return fmt.Errorf("tui.theme is %.40q: want auto, dark or light", t.Theme)
	}
	unit, journal := strings.CutPrefix(t.Log, "journal:")
	path, file := strings.CutPrefix(t.Log, "file:")
	if t.Log != "off" && (!journal || unit == "") && (!file || path == "") {
		return fmt.Errorf("tui.log is %.60q: want journal:UNIT, file:PATH or off", t.Log)
	}
	var err error
	bindings("", t.Keys, func(action string, keys []string, ok bool) {
		if !ok || slices.ContainsFunc(keys, func(k string) bool { return strings.TrimSpace(k) == "" }) {
			err = fmt.Errorf("tui.keys.%.60s: want a list of keys such as [r, f5]; y, n, yes and no stand in quotes", action)
		}
	})
	return err
}
