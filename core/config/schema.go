package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Schema returns a JSON Schema (draft 2020-12) of the config file, made from
// Config itself, for completion and checking in editors.
func Schema() map[string]any {
	s := schemaOf(reflect.TypeFor[Config]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = FileName
	return s
}

func schemaOf(t reflect.Type) map[string]any {
	properties := map[string]any{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("koanf")
		if name == "-" {
			continue
		}
		p := typeSchema(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			p["description"] = doc
		}
		properties[name] = p
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func typeSchema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "examples": []string{"5m", "1h"}}
	case t.Kind() == reflect.Struct:
		return schemaOf(t)
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem())}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t == reflect.TypeFor[Keys]():
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []string{"string", "array"}, "items": map[string]any{"type": "string"}}}
	case t == reflect.TypeFor[Plugin]():
		return map[string]any{"type": "object"}
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case t.Kind() == reflect.Int:
		return map[string]any{"type": "integer"}
	case t.Kind() == reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "string"}
}

// Values returns every value in force by its dotted key, for people. Secrets
// are references by rule; a value that a plugin's settings give in the open
// under a name like one is hidden all the same.
func (c *Config) Values() map[string]string {
	out := map[string]string{}
	flatten(reflect.ValueOf(*c), "", out)
	return out
}

func flatten(v reflect.Value, key string, out map[string]string) {
	switch {
	case v.Type() == reflect.TypeFor[Plugin]():
		p, _ := v.Interface().(Plugin)
		for name, value := range p {
			out[key+"."+name] = show(name, fmt.Sprint(value))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Tag.Get("koanf"); name != "-" {
				flatten(v.Field(i), strings.TrimPrefix(key+"."+name, "."), out)
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			flatten(v.Index(i), fmt.Sprintf("%s[%d]", key, i), out)
		}
	case v.Type() == reflect.TypeFor[Keys]():
		keys, _ := v.Interface().(Keys)
		for action, bound := range keys.Bindings() {
			out[key+"."+action] = strings.Join(bound, " ")
		}
	case v.Kind() == reflect.Map:
		for _, k := range v.MapKeys() {
			flatten(v.MapIndex(k), key+"."+k.String(), out)
		}
	default:
		out[key] = fmt.Sprint(v.Interface())
	}
}

func show(name, value string) string {
	if strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:") {
		return value
	}
	for _, word := range []string{"token", "secret", "password", "key"} {
		if strings.Contains(strings.ToLower(name), word) {
			return "(hidden)"
		}
	}
	return value
}
