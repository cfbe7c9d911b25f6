//go:build !race

package server

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"pgregory.net/rapid"
)

// judge compares answers with the document by a program that is not ours, and
// not of who makes the document.
type judge struct {
	validator.Validator
	paths *v3.Paths
}

func newJudge(b *bundle, document string) *judge {
	b.Helper()
	doc, err := libopenapi.NewDocument([]byte(document))
	b.ok(err)
	// Records and events are text to the document, whatever is in them.
	text := content.DecoderFunc(func(*content.DecodeInput) (any, error) { return "text", nil })
	v, errs := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithBodyDecoder(ndjson, text), config.WithBodyDecoder(eventStream, text))
	for _, err := range errs {
		b.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	b.ok(err)
	return &judge{v, model.Model.Paths}
}

// documented demands an answer that the document has: its status, its media
// type, and its members.
func (j *judge) documented(rt *rapid.T, m *made) {
	res := m.answer.Result()
	defer res.Body.Close()
	item := j.paths.PathItems.GetOrZero(m.path)
	ok, errs := j.GetResponseBodyValidator().ValidateResponseBodyWithPathItem(m.request, res, item, m.path)
	if ok {
		return
	}
	for _, err := range errs {
		rt.Errorf("%s: %s", err.Message, err.Reason)
		for _, detail := range err.SchemaValidationErrors {
			rt.Errorf("  %s at %s", detail.Reason, detail.FieldPath)
		}
	}
	rt.Fatalf("the answer is not as documented: %s", m)
}

// allowed demands of a request that was carried out that the document allows it.
func (j *judge) allowed(rt *rapid.T, m *made) {
	if m.answer.Code >= http.StatusMultipleChoices {
		return
	}
	m.request.Body = io.NopCloser(strings.NewReader(m.body))
	ok, errs := j.ValidateHttpRequestSyncWithPathItem(m.request, j.paths.PathItems.GetOrZero(m.path), m.path)
	if ok {
		return
	}
	for _, err := range errs {
		rt.Errorf("%s: %s", err.Message, err.Reason)
	}
	rt.Fatalf("carried out, though the document does not allow it: %s", m)
}

// The document is one of OpenAPI 3.1 by somebody else's word.
func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, document := b.call("GET", "/openapi.json", "", "")
	if ok, errs := newJudge(b, document).ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%s: %s", err.Message, err.Reason)
		}
	}
	if !strings.Contains(document, `"openapi":"3.1`) {
		t.Error("the document is of another version")
	}
}
