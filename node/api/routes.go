package api

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// route is what the front must know of an operation.
type route struct {
	open   bool          // no token is asked for
	stream bool          // body or answer are long: the operation bounds itself
	time   time.Duration // for the work; 0 = requestTime
	key    keyMode       // what an Idempotency-Key does
	now    sayingNow     // what of the answer its ETag leaves out

	may    []exchange.Code // what it refuses with, besides what the front does
	relays bool            // another shop's or the hub's "no" or "later" is passed on, also of a newer version

	conditional bool // it may name the state that it was made of: If-Match

	original string // optional: the original protocol's path, which stays
	formerly string // optional: the path of the version before, which is deprecated

	// Set when it is registered.
	tagged     bool   // its answers have an ETag
	plain      bool   // outside of huma: parameters are not looked at
	path       string // the pattern
	first      string // the pattern by which keys know it; "" = path
	deprecated bool
	successor  string // of a deprecated one: the pattern to use
}

// router registers operations: it serves them, documents them, and tells the front what
// it must know of each.
type router struct {
	api    huma.API
	mux    *http.ServeMux
	routes map[string]*route // by mux pattern; fixed after New
	log    *slog.Logger
}

func newRouter(version string, log *slog.Logger) *router {
	r := &router{mux: http.NewServeMux(), routes: make(map[string]*route), log: log}
	r.api = humago.New(r.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Souk: a shop's local API", Version: orDefault(version, "dev"),
				Description: "Errors are problem+json; tell them apart by code. Answers may gain fields. A GET never reserves.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "The content of the file " + TokenFile + " in the shop's folder."},
				},
			},
			Security: []map[string][]string{{"token": {}}},
			Servers:  servers(),
			Tags: []*huma.Tag{{
				Name: originalTag, Description: "The three paths of the original protocol. They stay; each does what its plural path does.",
			}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{humaProblem},
	})
	return r
}

// schemaOf refers to the schema of a type of package view.
func schemaOf[T any](r *router) *huma.Schema {
	return r.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// add registers an operation at all its paths.
func add[I, O any](r *router, op huma.Operation, rt route, handle func(context.Context, *I) (*O, error)) {
	own := rt
	own.first = cmp.Or(rt.original, rt.formerly)
	addAt(r, op, own, handle)
	if rt.original != "" {
		addAt(r, original(op, rt.original), rt, handle)
	}
	if rt.formerly != "" {
		rt.deprecated, rt.successor = true, op.Path
		addAt(r, deprecated(op, rt.formerly), rt, handle)
	}
}

// addAt registers an operation at one path. Its errors become problems.
func addAt[I, O any](r *router, op huma.Operation, rt route, handle func(context.Context, *I) (*O, error)) {
	rt.tagged = op.Method == http.MethodGet && !rt.stream && !rt.open
	r.prepare(&op, &rt)
	huma.Register(r.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(err)
		if p.Code == exchange.CodeInternal.String() {
			r.log.Error("a request failed", "operation", op.OperationID, "err", err)
		}
		return nil, p
	})
}

// prepare documents what all operations have in common, and tells the front.
func (r *router) prepare(op *huma.Operation, rt *route) {
	op.BodyReadTimeout = -1 // the front has read the body
	op.MaxBodyBytes = maxBody + 1
	op.Responses = maps.Clone(op.Responses) // several operations may be made of one
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Tags, op.Parameters = slices.Clone(op.Tags), slices.Clone(op.Parameters)
	rt.path = op.Path
	op.Responses["default"] = &huma.Response{
		Description: "Another problem.",
		Content: map[string]*huma.MediaType{view.ProblemType: {
			Schema: schemaOf[view.Problem](r),
		}},
	}
	if rt.open {
		op.Security = []map[string][]string{}
	}
	if rt.key != keyIgnored {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: KeyHeader, In: "header", Description: rt.key.doc(),
			Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(maxKey)},
		})
	}
	r.routes[op.Method+" "+op.Path] = rt
}

// body is an answer that is one JSON value.
type body[T any] struct{ Body T }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

// plain registers an operation outside of huma.
func (r *router) plain(op huma.Operation, rt route, contentType string, schema *huma.Schema, handle http.HandlerFunc) {
	rt.plain = true
	r.prepare(&op, &rt)
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{contentType: {Schema: schema}}}
	r.api.OpenAPI().AddOperation(&op)
	r.mux.HandleFunc(op.Method+" "+op.Path, handle)
}

func ptr[T any](v T) *T { return &v }

func orDefault(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
