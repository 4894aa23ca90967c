package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/api/view"
)

// routes of the document, with its operations' ids.
var routes = map[string]string{
	"GET /api/v1/products": "search-products", "GET /api/v1/products/{id}": "get-product",
	"GET /api/v1/products/{sku}/stock": "get-stock", "POST /api/v1/stock/movements": "tell-movements",
	"PUT /api/v1/products/{sku}/stock": "set-stock", "PUT /api/v1/stock": "count-shelves", "GET /api/v1/holds": "list-holds",
	"GET /api/v1/catalog": "list-catalog", "DELETE /api/v1/products/{id}": "remove-product", "POST /api/v1/products/{sku}/publish": "publish-product",
	"PUT /api/v1/products/{sku}/price": "set-price", "GET /api/v1/products/{sku}/movements": "list-movements", "GET /api/v1/sources": "list-sources",
	"POST /api/v1/imports": "import", "PUT /api/v1/rates": "set-rates",
	"POST /api/v1/reservations": "reserve", "GET /api/v1/reservations": "list-reservations", "GET /api/v1/reservations/{id}": "get-reservation",
	"DELETE /api/v1/reservations/{id}": "release-reservation", "POST /api/v1/reservations/{id}/extend": "extend-reservation",
	"POST /api/v1/orders": "place-order", "GET /api/v1/orders": "list-orders", "GET /api/v1/orders/{id}": "get-order",
	"POST /api/v1/orders/{id}/accept": "accept-order", "POST /api/v1/orders/{id}/reject": "reject-order",
	"POST /api/v1/orders/{id}/ship": "ship-order", "POST /api/v1/orders/{id}/deliver": "deliver-order", "POST /api/v1/orders/{id}/cancel": "cancel-order",
	"POST /api/v1/sales": "sell", "GET /api/v1/sales": "list-sales", "GET /api/v1/sales/{id}": "get-sale", "POST /api/v1/sales/{id}/ship": "ship-sale",
	"POST /api/v1/sales/{id}/cancel": "cancel-sale", "POST /api/v1/sales/{id}/return": "return-sale",
	"GET /api/v1/products/{sku}/limits": "get-limits", "PUT /api/v1/products/{sku}/limits": "set-limits",
	"GET /api/v1/partners": "list-partners", "POST /api/v1/partners": "propose",
	"POST /api/v1/partners/{shop}/accept": "accept-partner", "POST /api/v1/partners/{shop}/decline": "decline-partner",
	"POST /api/v1/partners/{shop}/withdraw": "withdraw-partner", "POST /api/v1/partners/{shop}/end": "end-partner",
	"GET /api/v1/members": "list-members", "POST /api/v1/members/{shop}/dial": "dial",
	"GET /api/v1/members/{shop}/ways": "list-ways", "GET /api/v1/reach": "get-reach", "GET /api/v1/bridge": "get-bridge",
	"GET /api/v1/partners/{shop}/ledger": "list-ledger", "POST /api/v1/partners/{shop}/ledger/compare": "compare-ledger",
	"GET /api/v1/events": "watch-events", "GET /api/v1/changes": "list-changes", "GET /api/v1/shop": "get-shop", "POST /api/v1/leave": "leave",
	"GET /api/v1/openapi.json": "get-openapi", "GET /healthz": "health", "GET /readyz": "ready", "GET /metrics": "get-metrics",

	"POST /api/v1/baskets": "hold-basket", "GET /api/v1/baskets": "list-baskets", "GET /api/v1/baskets/{id}": "get-basket",
	"POST /api/v1/baskets/{id}/extend": "extend-basket", "POST /api/v1/baskets/{id}/order": "order-basket", "DELETE /api/v1/baskets/{id}": "release-basket",

	"GET /api/v1/product/{id}": "original-get-product", "POST /api/v1/order": "original-place-order",

	"GET /api/v1/order/{id}": "deprecated-get-order", "POST /api/v1/order/{id}/accept": "deprecated-accept-order",
	"POST /api/v1/order/{id}/reject": "deprecated-reject-order", "POST /api/v1/order/{id}/ship": "deprecated-ship-order",
	"POST /api/v1/order/{id}/deliver": "deprecated-deliver-order", "POST /api/v1/order/{id}/cancel": "deprecated-cancel-order",
	"POST /api/v1/dial/{shop}": "deprecated-dial", "POST /api/v1/import": "deprecated-import",
}

// eachOperation runs a test for each operation of the document.
func eachOperation(t *testing.T, doc *openapi3.T, see func(t *testing.T, route string, op *openapi3.Operation)) {
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			t.Run(op.OperationID, func(t *testing.T) { see(t, method+" "+path, op) })
		}
	}
}

// TestDocument: the document has every route of the design and says what each is, and the
// routes that two shops and their owners use all day are answered as it says.
func TestDocument(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	must(birch.Members(ctx))(t)
	must(birch.Dial(ctx, acorn.id()))(t)
	must(birch.Ways(ctx, acorn.id()))(t)
	must(birch.Reach(ctx))(t)
	must(birch.Bridge(ctx))(t)
	must(birch.Leave(ctx, true))(t)
	document := must(birch.OpenAPI(ctx))(t)
	must(birch.Ready(ctx))(t)
	must(birch.Shop(ctx))(t)
	birch.raw(http.MethodGet, "/healthz", "")
	birch.raw(http.MethodGet, "/metrics", "")
	answered(t, []*shop{birch}, "list-members", "dial", "list-ways", "get-reach", "get-bridge", "leave", "get-openapi", "ready", "get-shop", "health", "get-metrics")

	doc := must(openapi3.NewLoader().LoadFromData(document))(t)
	if err := doc.Validate(ctx); err != nil {
		t.Error(err)
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "http://127.0.0.1:{port}" || node.DefaultAPI != "127.0.0.1:"+doc.Servers[0].Variables["port"].Default {
		t.Errorf("servers: %+v", doc.Servers)
	}
	missing := maps.Clone(routes)
	eachOperation(t, doc, func(t *testing.T, route string, op *openapi3.Operation) {
		if routes[route] != op.OperationID {
			t.Errorf("%s is %s, which this test does not know", route, op.OperationID)
		}
		delete(missing, route)
		if op.Summary == "" || op.Responses.Default() == nil || len(op.Tags) == 0 {
			t.Error("it lacks a summary, a problem or a tag")
		}
		if op.Deprecated != strings.HasPrefix(op.OperationID, "deprecated-") {
			t.Errorf("deprecated: %v", op.Deprecated)
		}
		for name, res := range op.Responses.Map() {
			if name[0] == '2' && (res.Value.Headers["Deprecation"] != nil) != op.Deprecated {
				t.Errorf("%s has headers %v", name, slices.Collect(maps.Keys(res.Value.Headers)))
			}
		}
		original := strings.HasPrefix(op.OperationID, "original-") || op.OperationID == "search-products"
		if slices.Contains(op.Tags, "original protocol") != original {
			t.Errorf("tags %v", op.Tags)
		}
		hasKey := slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == api.KeyHeader })
		ignored := strings.HasSuffix(op.OperationID, "import") || strings.HasSuffix(op.OperationID, "dial") || op.OperationID == "compare-ledger"
		if hasKey != (strings.HasPrefix(route, http.MethodPost) && !ignored) {
			t.Errorf("takes an %s: %v", api.KeyHeader, hasKey)
		}
	})
	if len(missing) > 0 {
		t.Errorf("the document lacks %v", missing)
	}
}

// document is that of a shop, as a reader loads it.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	return must(openapi3.NewLoader().LoadFromData(lone(t).server.OpenAPI()))(t)
}

// relaying are the operations that pass on what another shop or the hub says.
var relaying = []string{
	"get-product", "original-get-product", "reserve", "get-reservation", "release-reservation", "extend-reservation",
	"place-order", "original-place-order", "cancel-order", "deprecated-cancel-order", "hold-basket", "extend-basket", "order-basket", "leave", "dial", "deprecated-dial",
}

// TestRefusalsAreDocumented: each operation says with which codes it refuses, by status.
func TestRefusalsAreDocumented(t *testing.T) {
	eachOperation(t, document(t), func(t *testing.T, _ string, op *openapi3.Operation) {
		statuses, newer := make(map[int]bool), make(map[int]bool)
		for name, res := range op.Responses.Map() {
			status, err := strconv.Atoi(name)
			if err != nil || status < 400 {
				continue
			}
			statuses[status] = true
			problem := res.Value.Content[view.ProblemType]
			if problem == nil || len(problem.Schema.Value.AllOf) != 2 || problem.Schema.Value.AllOf[0].Ref != "#/components/schemas/Problem" {
				t.Errorf("%d is no problem", status)
				continue
			}
			code := problem.Schema.Value.AllOf[1].Value.Properties["code"].Value
			if newer[status] = len(code.AnyOf) > 0; newer[status] { // with what a newer supplier says
				if pattern := code.AnyOf[1].Value.Pattern; !regexp.MustCompile(pattern).MatchString(exchange.Code(9999 | exchange.RetryBit).String()) {
					t.Errorf("%d: %s is not of a newer code", status, pattern)
				}
				code = code.AnyOf[0].Value
			}
			for _, name := range code.Enum {
				c := exchange.ParseCode(name.(string))
				if c == exchange.CodeOK || c.String() != name || strings.HasPrefix(c.String(), "code-") {
					t.Errorf("%d: %v is no code", status, name)
				}
			}
			if len(code.Enum) == 0 {
				t.Errorf("%d has no codes", status)
			}
		}
		if newer[409] != newer[503] || newer[409] != slices.Contains(relaying, op.OperationID) {
			t.Errorf("a newer shop's \"no\" is told: %v, and its \"later\": %v", newer[409], newer[503])
		}
		for _, status := range []int{421, 429, 500, 503} {
			if !statuses[status] {
				t.Errorf("%d is not told", status)
			}
		}
		if open := op.Security != nil && len(*op.Security) == 0; statuses[401] == open {
			t.Errorf("a token is asked for: %v, and 401 is told: %v", !open, statuses[401])
		}
		if op.RequestBody != nil && !(statuses[400] && statuses[413] && statuses[415] && statuses[422]) {
			t.Errorf("only %v are told of a request with a body", slices.Sorted(maps.Keys(statuses)))
		}
	})
}

// TestExamples: each operation shows a request and an answer, which are as its schemas say.
func TestExamples(t *testing.T) {
	valid := func(t *testing.T, what string, schema *openapi3.SchemaRef, example any) {
		t.Helper()
		if example == nil {
			t.Errorf("%s has no example", what)
			return
		}
		if err := schema.Value.VisitJSON(example, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("the example of %s: %v", what, err)
		}
	}
	eachOperation(t, document(t), func(t *testing.T, route string, op *openapi3.Operation) {
		for _, p := range op.Parameters {
			if p.Value.Required || p.Value.Name == api.KeyHeader || p.Value.Example != nil {
				valid(t, "parameter "+p.Value.Name, p.Value.Schema, p.Value.Example)
			}
		}
		if op.RequestBody != nil {
			for mediaType, content := range op.RequestBody.Value.Content {
				valid(t, "the request, "+mediaType, content.Schema, content.Example)
			}
		}
		for name, res := range op.Responses.Map() {
			for mediaType, content := range res.Value.Content {
				if mediaType != view.ProblemType || name == "default" {
					valid(t, name+", "+mediaType, content.Schema, content.Example)
				}
			}
		}
	})
}

// TestAnswersMayGainFields: what a request is made of takes no unknown field; what an answer
// is made of takes any.
func TestAnswersMayGainFields(t *testing.T) {
	doc := document(t)
	closed := func(schema *openapi3.SchemaRef) bool {
		rest := schema.Value.AdditionalProperties
		return rest.Has != nil && !*rest.Has
	}
	requests, answers := make(map[string]bool), make(map[string]bool)
	eachOperation(t, doc, func(t *testing.T, _ string, op *openapi3.Operation) {
		if op.RequestBody != nil {
			for _, content := range op.RequestBody.Value.Content {
				reach(t, content.Schema, requests)
			}
		}
		for _, res := range op.Responses.Map() {
			for _, content := range res.Value.Content {
				reach(t, content.Schema, answers)
				if closed(content.Schema) {
					t.Error("an answer takes no further field")
				}
			}
		}
	})
	for name, schema := range doc.Components.Schemas {
		ref := "#/components/schemas/" + name
		switch {
		case requests[ref] == answers[ref]:
			t.Errorf("%s is of requests: %v, and of answers: %v", name, requests[ref], answers[ref])
		case schema.Value.Type.Is("object") && closed(schema) != requests[ref]:
			t.Errorf("%s refuses unknown fields: %v", name, closed(schema))
		}
	}
	for _, name := range []string{"ReserveLineInput", "UnitsInput", "ShipToInput", "ReserveLine", "Units", "ShipTo", "PlaceOrder", "Order"} {
		if doc.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
}

// reach notes the named schemas that a schema is made of.
func reach(t *testing.T, schema *openapi3.SchemaRef, names map[string]bool) {
	t.Helper()
	text := string(must(json.Marshal(schema))(t))
	if schema.Ref != "" {
		if names[schema.Ref] {
			return
		}
		names[schema.Ref] = true
		text = string(must(json.Marshal(schema.Value))(t))
	}
	if !strings.Contains(text, "$ref") {
		return
	}
	v := schema.Value
	parts := slices.Concat(v.AllOf, v.AnyOf, v.OneOf, slices.Collect(maps.Values(v.Properties)))
	if v.Items != nil {
		parts = append(parts, v.Items)
	}
	for _, part := range parts {
		reach(t, part, names)
	}
}
