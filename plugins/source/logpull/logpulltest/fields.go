package logpulltest

import (
	_ "embed"
	"strings"
	"sync"
)

// FieldType is the JSON type of one member of an http_requests record.
type FieldType string

// The types that occur. TypeTimestamp is an integer or a string, as the
// request's "timestamps" parameter says.
const (
	TypeInt         FieldType = "int"
	TypeFloat       FieldType = "float"
	TypeString      FieldType = "string"
	TypeBool        FieldType = "bool"
	TypeObject      FieldType = "object"
	TypeStringArray FieldType = "array[string]"
	TypeIntArray    FieldType = "array[int]"
	TypeObjectArray FieldType = "array[object]"
	TypeTimestamp   FieldType = "timestamp"
)

// Field is one member of an http_requests record.
type Field struct {
	Name        string
	Type        FieldType
	Description string
	Deprecated  bool // still delivered, announced to go
	LogpushOnly bool // exists in Logpush, unknown to Logpull
}

//go:embed fields.tsv
var fieldsTSV string

var fieldTable = sync.OnceValue(func() []Field {
	var fields []Field
	for line := range strings.Lines(fieldsTSV) {
		col := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(col) != 4 {
			continue // the heading
		}
		fields = append(fields, Field{
			Name: col[0], Type: FieldType(col[1]), Description: col[2],
			Deprecated: col[3] == "deprecated", LogpushOnly: col[3] == "logpush-only",
		})
	}
	return fields
})

// Fields returns every current member of http_requests, those that only
// Logpush knows included, sorted by name.
func Fields() []Field { return append([]Field(nil), fieldTable()...) }

// LogpullFields returns the members that a Logpull request may name. Logpush's
// list is a superset of it (developers.cloudflare.com/logs/logpull/requesting-logs/).
func LogpullFields() []Field {
	var out []Field
	for _, f := range fieldTable() {
		if !f.LogpushOnly {
			out = append(out, f)
		}
	}
	return out
}

// Names returns the fields' names in their order.
func Names(fields []Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// DefaultFields is what a request without "fields" is answered with
// (developers.cloudflare.com/logs/logpull/understanding-the-basics/).
func DefaultFields() []string {
	return []string{
		"ClientIP", "ClientRequestHost", "ClientRequestMethod", "ClientRequestURI", "EdgeEndTimestamp",
		"EdgeResponseBytes", "EdgeResponseStatus", "EdgeStartTimestamp", "RayID",
	}
}
