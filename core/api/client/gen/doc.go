// Package gen is the REST API's client as oapi-codegen makes it from
// docs/openapi.json: shapes, paths and parameters. core/api/client is how to
// use it.
package gen

// The document comes first: the client is made from what it says now.
//
//go:generate go run ../../../../tools/openapi -o ../../../../docs/openapi.json
//go:generate oapi-codegen -config oapi-codegen.yaml ../../../../docs/openapi.json
