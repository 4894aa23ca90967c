package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/testnet"
)

// lone is a shop without a partner.
func lone(t testing.TB) *shop {
	t.Helper()
	s := newShop(t, must(testnet.NewFederation("api"))(t), "Acorn Shoes", nil)
	s.stock("shoe", "Running shoe", 10, 9900)
	return s
}

// TestFault25API is the part of fault 25 that browsers and local programs can do to the API:
// foreign Host, rebinding, cross-site requests, a token in the URL, bodies of all
// kinds. Each is refused with a problem, and nothing is done.
func TestFault25API(t *testing.T) {
	s := lone(t)
	put, stock := http.MethodPut, "/api/v1/products/shoe/stock"
	good := `{"units":1,"counted_at":"now"}`
	for name, c := range map[string]struct {
		method, target, body string
		header               []string
		status               int
		code                 exchange.Code
	}{
		"foreign host":           {put, stock, good, []string{"Host", "shop.evil.example"}, 421, exchange.CodeInvalid},
		"foreign host with port": {put, stock, good, []string{"Host", "shop.evil.example:7350"}, 421, exchange.CodeInvalid},
		"host like ours":         {put, stock, good, []string{"Host", "localhost.evil.example"}, 421, exchange.CodeInvalid},
		"address of another":     {put, stock, good, []string{"Host", "192.0.2.7"}, 421, exchange.CodeInvalid},
		"foreign host, health":   {"GET", "/healthz", "", []string{"Host", "evil.example"}, 421, exchange.CodeInvalid},
		"cross-site":             {put, stock, good, []string{"Sec-Fetch-Site", "cross-site"}, 403, exchange.CodeUnauthorized},
		"same site":              {put, stock, good, []string{"Sec-Fetch-Site", "same-site"}, 403, exchange.CodeUnauthorized},
		"foreign origin":         {put, stock, good, []string{"Origin", "https://evil.example"}, 403, exchange.CodeUnauthorized},
		"opaque origin":          {"POST", "/api/v1/leave", "", []string{"Origin", "null"}, 403, exchange.CodeUnauthorized},

		"no token":             {put, stock, good, []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"wrong token":          {put, stock, good, []string{"Authorization", "Bearer " + strings.Repeat("A", 43)}, 401, exchange.CodeUnauthorized},
		"token and more":       {put, stock, good, []string{"Authorization", "Bearer " + s.token + "A"}, 401, exchange.CodeUnauthorized},
		"half a token":         {put, stock, good, []string{"Authorization", "Bearer " + s.token[:20]}, 401, exchange.CodeUnauthorized},
		"token as basic":       {put, stock, good, []string{"Authorization", "Basic " + s.token}, 401, exchange.CodeUnauthorized},
		"token in the URL":     {put, stock + "?token=" + s.token, good, []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"access_token":         {"GET", "/api/v1/shop?access_token=" + s.token, "", []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"token twice":          {"GET", "/api/v1/shop?token=" + s.token, "", nil, 422, exchange.CodeInvalid},
		"no token, no route":   {"GET", "/api/v1/secrets", "", []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"no token, document":   {"GET", "/api/v1/openapi.json", "", []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"no token, metrics":    {"GET", "/metrics", "", []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"no token, readiness":  {"GET", "/readyz", "", []string{"Authorization", ""}, 401, exchange.CodeUnauthorized},
		"no route":             {"GET", "/api/v1/secrets", "", nil, 404, exchange.CodeNotFound},
		"no method":            {"DELETE", "/api/v1/shop", "", nil, 405, exchange.CodeInvalid},
		"too long":             {put, stock, `{"units":1` + strings.Repeat(" ", 1<<20) + `}`, nil, 413, exchange.CodeInvalid},
		"a form":               {put, stock, "units=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, exchange.CodeInvalid},
		"plain text":           {put, stock, good, []string{"Content-Type", "text/plain"}, 415, exchange.CodeInvalid},
		"no JSON":              {put, stock, `{"units":`, nil, 400, exchange.CodeInvalid},
		"two values":           {put, stock, `{"units":1}{"units":2}`, nil, 400, exchange.CodeInvalid},
		"nothing":              {put, stock, "", nil, 400, exchange.CodeInvalid},
		"unknown field":        {put, stock, `{"units":1,"price":0}`, nil, 422, exchange.CodeInvalid},
		"unknown parameter":    {"GET", "/api/v1/products?limt=5", "", nil, 422, exchange.CodeInvalid},
		"negative":             {put, stock, `{"units":-1}`, nil, 422, exchange.CodeInvalid},
		"beyond 64 bits":       {put, stock, `{"units":99999999999999999999}`, nil, 422, exchange.CodeInvalid},
		"a fraction":           {put, stock, `{"units":1.5}`, nil, 422, exchange.CodeInvalid},
		"text for a number":    {put, stock, `{"units":"1"}`, nil, 422, exchange.CodeInvalid},
		"neither":              {put, stock, `{}`, nil, 422, exchange.CodeInvalid},
		"both":                 {put, stock, `{"units":1,"unlimited":true}`, nil, 422, exchange.CodeInvalid},
		"of no state":          {put, stock, `{"units":1}`, nil, 428, exchange.CodePrecondition},
		"of another state":     {put, stock, `{"units":1}`, []string{"If-Match", `"1000"`}, 412, exchange.CodeStale},
		"of any state":         {put, stock, `{"units":1}`, []string{"If-Match", "*"}, 422, exchange.CodeInvalid},
		"of no time":           {put, stock, `{"units":1,"counted_at":"soon"}`, nil, 422, exchange.CodeInvalid},
		"of a week before":     {put, stock, `{"units":1,"counted_at":"-200h"}`, nil, 409, exchange.CodeStale},
		"no such product":      {put, "/api/v1/products/boot/stock", good, nil, 404, exchange.CodeNotFound},
		"invisible SKU":        {put, "/api/v1/products/" + url.PathEscape("sh\u202eoe") + "/stock", good, nil, 422, exchange.CodeInvalid},
		"bad product":          {"GET", "/api/v1/products/shoe", "", nil, 422, exchange.CodeInvalid},
		"bad reservation":      {"GET", "/api/v1/reservations/1", "", nil, 422, exchange.CodeInvalid},
		"bad order":            {"POST", "/api/v1/orders/..%2f..%2fetc/accept", "", nil, 422, exchange.CodeInvalid},
		"bad shop":             {"POST", "/api/v1/members/12D3KooW/dial", "", nil, 422, exchange.CodeInvalid},
		"bad cursor":           {"GET", "/api/v1/products?cursor=AAAA", "", nil, 422, exchange.CodeInvalid},
		"bad order cursor":     {"GET", "/api/v1/orders?role=sold&cursor=AAAA", "", nil, 422, exchange.CodeInvalid},
		"bad amount":           {"GET", "/api/v1/products?min_usd=1e3", "", nil, 422, exchange.CodeInvalid},
		"endless wait":         {"POST", "/api/v1/orders?wait=3600", "{}", nil, 422, exchange.CodeInvalid},
		"zero key":             {"POST", "/api/v1/leave", "", []string{"Idempotency-Key", "ä"}, 422, exchange.CodeInvalid},
		"own and others":       {"POST", "/api/v1/reservations", `{"lines":[{"product":"` + s.product("shoe").String() + `","quantity":1},{"product":"` + exchange.ProductID{Shop: exchange.ShopID{9}, SKU: "x"}.String() + `","quantity":1}],"country":"SE"}`, nil, 422, exchange.CodeInvalid},
		"two hundred shoes to": {"POST", "/api/v1/reservations", `{"lines":[{"product":"` + s.product("shoe").String() + `","quantity":1}],"country":"Sweden"}`, nil, 422, exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			res, body := s.raw(c.method, c.target, c.body, c.header...)
			var p view.Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil || res.Header.Get("Content-Type") != view.ProblemType {
				t.Errorf("%d, not a problem: %s", res.StatusCode, body)
				return
			}
			if res.StatusCode != c.status || p.Status != c.status || p.Code != c.code.String() || p.Detail == "" || p.Title == "" {
				t.Errorf("%d, want %d %v: %s", res.StatusCode, c.status, c.code, body)
			}
			if res.Header.Get("Access-Control-Allow-Origin") != "" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers %v", res.Header)
			}
		})
	}
	if got := must(s.desk().Shelf.Stock("shoe"))(t); got.Stocked != 10 {
		t.Errorf("a refused request changed the stock: %+v", got)
	}
}

// TestWhoMayAsk: what the table of TestFault25API refuses, with one thing right.
func TestWhoMayAsk(t *testing.T) {
	s := lone(t)
	port := s.url[strings.LastIndex(s.url, ":"):]
	for name, header := range map[string][]string{
		"as is":              nil,
		"localhost":          {"Host", "localhost" + port},
		"LOCALHOST.":         {"Host", "LOCALHOST." + port},
		"other loopback":     {"Host", "127.8.9.1"},
		"IPv6 loopback":      {"Host", "[::1]" + port},
		"own origin":         {"Origin", s.url},
		"same origin":        {"Sec-Fetch-Site", "same-origin"},
		"typed by a person":  {"Sec-Fetch-Site", "none"},
		"bearer, small case": {"Authorization", "bearer " + s.token},
	} {
		t.Run(name, func(t *testing.T) {
			if res, body := s.raw(http.MethodPut, "/api/v1/products/shoe/stock", `{"units":10,"counted_at":"now"}`, header...); res.StatusCode != 200 {
				t.Errorf("%d %s", res.StatusCode, body)
			}
		})
	}
	if res, body := s.raw(http.MethodGet, "/healthz", "", "Authorization", ""); res.StatusCode != 200 {
		t.Errorf("health without a token: %d %s", res.StatusCode, body)
	}
}

// TestStrangeProducts: SKUs may hold what paths are made of.
func TestStrangeProducts(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	for _, sku := range []exchange.SKU{"a/b", "..", ".", "50% off?", "Größe 42", "a#b", "a+b c", "x:y", "<script>"} {
		t.Run(string(sku), func(t *testing.T) {
			s.stock(sku, "A "+string(sku), 3, 100)
			if got := must(s.Stocks().Set(ctx, sku, view.SetStock{Units: ptr(int64(7)), CountedAt: "now"}))(t); got.Available != 7 {
				t.Errorf("%+v", got)
			}
			if p := must(s.Product(ctx, s.product(sku), true))(t); p.SKU != sku || p.Live.Available.Units != 7 {
				t.Errorf("%+v", p)
			}
		})
	}
	if got := must(s.Stocks().Set(ctx, "..", view.SetStock{Unlimited: true, CountedAt: "now"}))(t); !got.Unlimited || got.Available != 0 {
		t.Errorf("unlimited: %+v", got)
	}
	all := must(s.Products(ctx, replica.Query{Limit: 4, MinCents: 1, MaxCents: 200}))(t)
	if len(all.Products) != 4 || all.Next == "" {
		t.Errorf("a page of %d, next %q", len(all.Products), all.Next)
	}
}

func ptr[T any](v T) *T { return &v }
