package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

const specPath = "/api/v1/openapi.json"

// route is what the front must know of an operation.
type route struct {
	open   bool          // no token is asked for
	stream bool          // body or answer are long: the operation bounds itself
	time   time.Duration // for the work; 0 = requestTime
	key    keyMode       // what an Idempotency-Key does
}

// register fills the mux and makes the OpenAPI document of it.
func (s *Server) register() error {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	api := humago.New(s.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Souk: a shop's local API", Version: orDefault(s.cfg.Version, "dev"),
				Description: "Errors are problem+json; tell them apart by code. Answers may gain fields. A GET never reserves.",
			},
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "The content of the file " + TokenFile + " in the shop's folder."},
				},
			},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{humaProblem},
	})
	s.productRoutes(api)
	s.reservationRoutes(api)
	s.orderRoutes(api)
	s.partnerRoutes(api)
	s.shopRoutes(api)
	s.importRoutes(api)
	s.eventRoutes(api)
	s.plainRoutes(api)
	// huma registers its own error model, which never leaves this server.
	delete(schemas.Map(), "ErrorModel")
	delete(schemas.Map(), "ErrorDetail")
	var err error
	s.spec, err = json.Marshal(api.OpenAPI())
	return err
}

// add registers an operation whose errors become problems.
func add[I, O any](s *Server, api huma.API, op huma.Operation, rt route, handle func(context.Context, *I) (*O, error)) {
	s.prepare(api, &op, &rt)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(err)
		if p.Code == exchange.CodeInternal.String() {
			s.log.Error("a request failed", "operation", op.OperationID, "err", err)
		}
		return nil, p
	})
}

// prepare documents what all operations have in common, and tells the front.
func (s *Server) prepare(api huma.API, op *huma.Operation, rt *route) {
	op.BodyReadTimeout = -1 // the front has read the body
	op.MaxBodyBytes = maxBody + 1
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Responses["default"] = &huma.Response{
		Description: "A problem.",
		Content: map[string]*huma.MediaType{view.ProblemType: {
			Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[view.Problem](), true, ""),
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
	s.routes[op.Method+" "+op.Path] = rt
}

// body is an answer that is one JSON value.
type body[T any] struct{ Body T }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

// plainRoutes are those outside of huma: the document itself and the figures.
func (s *Server) plainRoutes(api huma.API) {
	s.plain(api, huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: specPath, Summary: "This document", Tags: []string{"operation"},
	}, route{}, "application/openapi+json", &huma.Schema{Type: huma.TypeObject}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(s.spec)
	})
	metrics := promhttp.HandlerFor(s.cfg.Registry, promhttp.HandlerOpts{Timeout: requestTime})
	s.plain(api, huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/metrics", Summary: "Figures for Prometheus", Tags: []string{"operation"},
	}, route{open: s.cfg.OpenMetrics}, "text/plain", &huma.Schema{Type: huma.TypeString}, metrics.ServeHTTP)
}

func (s *Server) plain(api huma.API, op huma.Operation, rt route, contentType string, schema *huma.Schema, handle http.HandlerFunc) {
	s.prepare(api, &op, &rt)
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{contentType: {Schema: schema}}}
	api.OpenAPI().AddOperation(&op)
	s.mux.HandleFunc(op.Method+" "+op.Path, handle)
}

func ptr[T any](v T) *T { return &v }

func orDefault(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
