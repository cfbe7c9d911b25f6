package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fabriziosalmi/rainlogs/core/api"
)

// plain refuses what can be read in several ways, or is not what the document
// says: huma takes the first of a parameter that is given twice, takes one that
// is empty or cannot be read for not given, and a body of no type for JSON.
func plain(r *http.Request, op *huma.Operation, takesBody bool) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return api.NewProblem(http.StatusBadRequest, api.CodeInvalid, "the query cannot be read")
	}
	for name, values := range query {
		if slices.Contains(values, "") || len(values) > 1 && !isList(op, name) {
			return faulty(http.StatusUnprocessableEntity, "query."+name, "is empty, or given twice")
		}
	}
	if !takesBody || r.ContentLength == 0 {
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return faulty(http.StatusUnsupportedMediaType, "body", wrongType)
	}
	return nil
}

// isList reports whether a parameter of the query may be given several times.
func isList(op *huma.Operation, name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool {
		return p.In == "query" && p.Name == name && p.Schema.Type == huma.TypeArray
	})
}

const wrongType = "unknown content type: want application/json"

func faulty(status int, location, message string) *api.Problem {
	p := api.NewProblem(status, api.CodeOf(status), "validation failed")
	p.Errors = []api.Fault{{Location: place(location), Message: message}}
	return p
}

var (
	errNotPlain = errors.New("is no JSON, has a member twice, or a character that is not UTF-8")
	errNull     = errors.New("null stands for nothing here: leave the member out")
)

// plainJSON is huma's JSON for bodies that can be read in one way only. Nothing
// in them may be null: where huma expects something else, it takes null for not given.
func plainJSON() huma.Format {
	f := huma.DefaultJSONFormat
	f.Unmarshal = func(body []byte, v any) error {
		for d := jsontext.NewDecoder(bytes.NewReader(body)); ; {
			token, err := d.ReadToken()
			if errors.Is(err, io.EOF) {
				return json.Unmarshal(body, v) //nolint:wrapcheck // huma's own
			}
			if err != nil {
				return errNotPlain // the decoder's words repeat what it read
			}
			if token.Kind() == 'n' {
				return errNull
			}
		}
	}
	return f
}
