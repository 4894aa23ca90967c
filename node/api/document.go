package api

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// specPath serves the OpenAPI document.
	specPath = "/api/v1/openapi.json"
	// schemaPrefix begins a reference to a schema of the document.
	schemaPrefix = "#/components/schemas/"
	// defaultPort is of node.DefaultAPI; a test holds the two together.
	defaultPort = "7350"
)

// servers says where the API is found.
func servers() []*huma.Server {
	return []*huma.Server{{
		URL: "http://127.0.0.1:{port}",
		Description: "The loopback of the shop's machine. While the shop runs, the file " + AddrFile + " in its folder has host and port, " +
			"which are api of shop.toml. The Host header is localhost, a loopback address, or one of api_hosts.",
		Variables: map[string]*huma.ServerVariable{"port": {Default: defaultPort, Description: "Of api in shop.toml."}},
	}}
}

// document is the OpenAPI document of what was registered, as JSON. Requests are described
// as strictly as they are checked; answers may have more fields than it names.
func (r *router) document() ([]byte, error) {
	doc := *r.api.OpenAPI()
	all := examples()
	for _, op := range operations(&doc) {
		rt := r.routes[op.Method+" "+op.Path]
		r.documentRefusals(op, rt)
		documentTags(op, rt)
		documentHeaders(op, rt)
		all.addTo(op)
	}
	components := *doc.Components
	components.Schemas = publish(&doc, components.Schemas)
	doc.Components = &components
	return json.Marshal(&doc)
}

// documentHeaders adds the headers that the front sets on answers.
func documentHeaders(op *huma.Operation, rt *route) {
	text := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	headers := make(map[string]*huma.Param)
	if ok := op.Responses["200"]; ok != nil {
		maps.Copy(headers, ok.Headers)
	}
	if rt.deprecated {
		headers["Deprecation"] = text("Since when the path is deprecated: @ and Unix seconds (RFC 9745).")
		headers["Link"] = text("The path to use, as successor-version.")
	}
	if rt.key == keyOnce {
		headers["Idempotency-Replayed"] = text("true, where the answer is that to an earlier request with the same " + KeyHeader + ".")
	}
	for name, res := range op.Responses {
		if strings.HasPrefix(name, "2") && len(headers) > 0 {
			with := *res // operations share what they were made of
			with.Headers = headers
			op.Responses[name] = &with
		}
	}
}

// operations are all of doc.
func operations(doc *huma.OpenAPI) []*huma.Operation {
	var all []*huma.Operation
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op != nil {
				all = append(all, op)
			}
		}
	}
	return all
}

// publish makes the document's schemas of those by which huma checks requests, which stay as
// they are. Each has two readings: a request's refuses unknown fields, an answer's does
// not. A schema of both is published twice, the request's with "Input" after its name.
func publish(doc *huma.OpenAPI, checked huma.Registry) huma.Registry {
	requests, answers := reading{checked: checked, strict: true}, reading{checked: checked}
	ops := operations(doc)
	for _, op := range ops {
		if op.RequestBody != nil {
			requests.reach(op.RequestBody.Content)
		}
		for _, res := range op.Responses {
			answers.reach(res.Content)
		}
	}
	requests.others = answers.names
	for _, op := range ops {
		if op.RequestBody != nil {
			requests.apply(op.RequestBody.Content)
		}
		for _, res := range op.Responses {
			answers.apply(res.Content)
		}
	}
	published := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	for _, from := range []reading{requests, answers} {
		for name := range from.names {
			published.Map()[from.rename(name)] = from.copy(checked.Map()[name])
		}
	}
	return published
}

// reading is one way in which schemas are published: as requests or as answers.
type reading struct {
	checked huma.Registry
	strict  bool            // unknown fields are refused
	names   map[string]bool // of the schemas it reaches
	others  map[string]bool // those of the other reading, where this one has to give way
}

// reach notes the schemas that content is made of.
func (r *reading) reach(content map[string]*huma.MediaType) {
	if r.names == nil {
		r.names = make(map[string]bool)
	}
	for _, m := range content {
		walk(m.Schema, r.note)
	}
}

func (r *reading) note(s *huma.Schema) {
	name, ok := strings.CutPrefix(s.Ref, schemaPrefix)
	if !ok || r.names[name] {
		return
	}
	r.names[name] = true
	walk(r.checked.Map()[name], r.note)
}

func (r *reading) apply(content map[string]*huma.MediaType) {
	for mediaType, m := range content {
		read := *m // operations share what they were made of
		read.Schema = r.copy(m.Schema)
		content[mediaType] = &read
	}
}

func (r *reading) rename(name string) string {
	if r.others[name] {
		return name + "Input"
	}
	return name
}

// copy is s in this reading.
func (r *reading) copy(s *huma.Schema) *huma.Schema {
	out := *s
	if name, ok := strings.CutPrefix(s.Ref, schemaPrefix); ok {
		out.Ref = schemaPrefix + r.rename(name)
	}
	if closed, ok := s.AdditionalProperties.(bool); ok && !closed && !r.strict {
		out.AdditionalProperties = nil
	}
	parts(&out, r.copy)
	return &out
}

// walk shows s and all its parts.
func walk(s *huma.Schema, see func(*huma.Schema)) {
	see(s)
	whole := *s
	parts(&whole, func(part *huma.Schema) *huma.Schema {
		walk(part, see)
		return part
	})
}

// parts replaces the schemas that s is directly made of.
func parts(s *huma.Schema, replace func(*huma.Schema) *huma.Schema) {
	list := func(from []*huma.Schema) []*huma.Schema {
		var to []*huma.Schema
		for _, part := range from {
			to = append(to, replace(part))
		}
		return to
	}
	s.OneOf, s.AnyOf, s.AllOf = list(s.OneOf), list(s.AnyOf), list(s.AllOf)
	if s.Items != nil {
		s.Items = replace(s.Items)
	}
	if s.Not != nil {
		s.Not = replace(s.Not)
	}
	if rest, ok := s.AdditionalProperties.(*huma.Schema); ok {
		s.AdditionalProperties = replace(rest)
	}
	properties := make(map[string]*huma.Schema, len(s.Properties))
	for name, part := range s.Properties {
		properties[name] = replace(part)
	}
	s.Properties = properties
	extensions := make(map[string]any, len(s.Extensions))
	for name, part := range s.Extensions {
		if alternatives, ok := part.([]*huma.Schema); ok { // huma's event streams: oneOf
			part = list(alternatives)
		}
		extensions[name] = part
	}
	s.Extensions = extensions
}
