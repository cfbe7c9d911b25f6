package server

import (
	"bytes"
	_ "embed" // of the page
	"fmt"
	"html/template"
	"slices"
	"sort"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsPage string

// documented is an operation as the page shows it.
type documented struct {
	Method, Path, ID, Summary, Access string
	Parameters                        []*huma.Param
	Request, Answer                   []field
	Statuses                          []string
}

// field is a member of a JSON object.
type field struct {
	Name, Type, Doc string
	Required        bool
}

// renderDocs makes the page of /docs from the document itself: no scripts, and
// nothing from anywhere else.
func renderDocs(d *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, fmt.Errorf("parse docs page: %w", err)
	}
	var ops []documented
	for path, item := range d.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil {
				ops = append(ops, document(d, method, path, op))
			}
		}
	}
	sort.Slice(ops, func(i, j int) bool {
		return ops[i].Path < ops[j].Path || ops[i].Path == ops[j].Path && ops[i].Method < ops[j].Method
	})
	var b bytes.Buffer
	if err := t.Execute(&b, map[string]any{"Info": d.Info, "Operations": ops}); err != nil {
		return nil, fmt.Errorf("render docs page: %w", err)
	}
	return b.Bytes(), nil
}

func document(d *huma.OpenAPI, method, path string, op *huma.Operation) documented {
	out := documented{Method: method, Path: path, ID: op.OperationID, Summary: op.Summary, Access: op.Description, Parameters: op.Parameters}
	if op.RequestBody != nil {
		out.Request = fields(d, op.RequestBody.Content)
	}
	for status, r := range op.Responses {
		out.Statuses = append(out.Statuses, status)
		if status[0] == '2' {
			out.Answer = fields(d, r.Content)
		}
	}
	slices.Sort(out.Statuses)
	return out
}

func fields(d *huma.OpenAPI, content map[string]*huma.MediaType) []field {
	var out []field
	for _, media := range content {
		s := resolve(d, media.Schema)
		if s == nil {
			continue
		}
		for name, p := range s.Properties {
			out = append(out, field{Name: name, Type: typeOf(d, p), Doc: p.Description, Required: slices.Contains(s.Required, name)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func resolve(d *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return d.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func typeOf(d *huma.OpenAPI, s *huma.Schema) string {
	if s = resolve(d, s); s == nil {
		return ""
	}
	if s.Type == huma.TypeArray {
		return "array of " + typeOf(d, s.Items)
	}
	if s.Format != "" {
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}
