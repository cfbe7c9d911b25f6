package config

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/knadh/koanf/v2"
)

// openKeys hold what plugins or users name: anything may stand below them.
var openKeys = []string{"archive.storage", "sources", "plugins.pin", "tui.keys"}

// fixedKeys returns every key that takes one value, dotted, from Config's tags.
func fixedKeys() []string {
	var keys []string
	for key, open := range walk(reflect.TypeFor[Config](), "") {
		if !open {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

// walk yields the dotted keys of a config struct.
func walk(t reflect.Type, prefix string) map[string]bool {
	out := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("koanf")
		if name == "-" {
			continue
		}
		key := prefix + name
		if f.Type.Kind() == reflect.Struct {
			for k, open := range walk(f.Type, key+".") {
				out[k] = open
			}
			continue
		}
		out[key] = f.Type.Kind() == reflect.Map || f.Type.Kind() == reflect.Slice
	}
	return out
}

// checkKeys refuses keys that mean nothing, naming the nearest that does.
func checkKeys(k *koanf.Koanf) error {
	known := walk(reflect.TypeFor[Config](), "")
	for _, key := range k.Keys() {
		if _, ok := known[key]; ok || underOpen(key) {
			continue
		}
		msg := fmt.Sprintf("unknown key %q", key)
		if near := nearest(key, known); near != "" {
			msg += fmt.Sprintf(" (did you mean %q?)", near)
		}
		return fmt.Errorf("%s", msg)
	}
	return nil
}

func underOpen(key string) bool {
	for _, open := range openKeys {
		if strings.HasPrefix(key, open+".") {
			return true
		}
	}
	return false
}

// nearest returns the known key with the least edit distance, if it is near.
func nearest(key string, known map[string]bool) string {
	best, bestDistance := "", len(key)/2+1
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if d := distance(key, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
