package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Setting is one key of the config file, for its reference.
type Setting struct {
	Key     string // dotted
	Env     string // the variable that sets it, "" if none can
	Type    string // text, number, yes or no, duration, list, map
	Default string // "" if there is none
	Doc     string
}

// Reference returns every key in the order of Config's fields, made from
// Config's tags and the defaults themselves.
func Reference() []Setting {
	return settings(reflect.TypeFor[Config](), "", defaults())
}

func settings(t reflect.Type, prefix string, values map[string]any) []Setting {
	var out []Setting
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("koanf")
		if name == "-" {
			continue
		}
		key := prefix + name
		if f.Type.Kind() == reflect.Struct {
			out = append(out, settings(f.Type, key+".", values)...)
			continue
		}
		s := Setting{Key: key, Type: typeName(f.Type), Doc: f.Tag.Get("doc")}
		if f.Type.Kind() != reflect.Slice && f.Type.Kind() != reflect.Map {
			s.Env = envName(key)
		}
		if v, ok := values[key]; ok {
			s.Default = fmt.Sprint(v)
		}
		out = append(out, s)
	}
	return out
}

func envName(key string) string {
	return "RAINLOGS_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Map:
		return "map"
	case t.Kind() == reflect.Int:
		return "number"
	case t.Kind() == reflect.Bool:
		return "yes or no"
	}
	return "text"
}
