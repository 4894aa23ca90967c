package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/testnet"
)

// A shop of these tests is a whole shop: desk.Desk, feeds, libp2p over the loopback,
// and the API on a real socket. Every request and answer that passes is held against
// the OpenAPI document that the server serves.
type shop struct {
	*client.Client
	node     *node.Shop
	t        testing.TB
	disks    testnet.Disks
	full     *atomic.Bool  // the disk has no room
	slow     *sync.RWMutex // while it is locked, no commit ends
	dir      string
	token    string
	server   *api.Server
	registry *prometheus.Registry
	url      string
	seen     *spec
	stop     func() // the shop's process, but its API
	start    func() // it and a new API, on the same disks
}

// disk is a store that may be full, or slow.
type disk struct {
	kv.Store
	full *atomic.Bool
	slow *sync.RWMutex
}

func (d disk) Commit(writes []kv.Write) error {
	d.slow.RLock()
	defer d.slow.RUnlock()
	if d.full.Load() {
		return exchange.Errorf(exchange.CodeDiskFull, "/private/path is full: %w", kv.ErrRefused)
	}
	return d.Store.Commit(writes)
}

// patience is how long a test waits for something that must happen: a failing test's
// time, never a passing one's.
const patience = 2 * time.Minute

func waiting(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newShop runs a shop of the federation and its API.
func newShop(t testing.TB, f *testnet.Federation, name string, change func(*node.Config)) *shop {
	t.Helper()
	s := &shop{t: t, disks: testnet.MemoryDisks(), full: new(atomic.Bool), slow: new(sync.RWMutex), dir: t.TempDir(), registry: prometheus.NewRegistry()}
	s.disks.Store = disk{s.disks.Store, s.full, s.slow}
	cfg := node.Config{
		Name: name, Currency: "EUR", Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Tax:      node.TaxConfig{Treatment: "included", Rate: "20"},
		Shipping: []node.ZoneConfig{{Flat: "4.90"}},
	}
	if change != nil {
		change(&cfg)
	}
	key := must(f.Join(name))(t)
	s.start = func() {
		t.Helper()
		s.node = must(f.Shop(key, cfg, s.disks, nil))(t)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.node.Run(ctx) }()
		s.stop = sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(s.stop)
		<-s.node.Ready()
		s.open()
	}
	s.start()
	return s
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (s *shop) config() api.Config {
	s.token = must(api.EnsureToken(s.dir))(s.t)
	return api.Config{
		Desk: s.desk(), Store: s.disks.Store, Clock: testnet.Clock{}, Members: s.node, Importer: s.node, Catalog: s.node, Shop: s.node, Reach: s.node.Reach(),
		Token: s.token, Dir: s.dir, Registry: s.registry,
	}
}

// open serves the API, as after a start of the process: what it keeps in memory is new.
func (s *shop) open() {
	s.t.Helper()
	s.registry = prometheus.NewRegistry()
	s.server = must(api.New(s.config()))(s.t)
	s.seen = newSpec(s.t, s.server.OpenAPI())
	h := httptest.NewServer(s.seen.check(s.server.Handler()))
	s.t.Cleanup(h.Close)
	s.url = h.URL
	s.Client = client.New(s.url, s.token)
}

// byHand leaves each order to the owner.
func byHand(c *node.Config) { c.AcceptByHand = true }

// pair is a supplier with 10 shoes and 5 hats, and its retailer.
func pair(t testing.TB, change func(*node.Config)) (acorn, birch *shop) {
	t.Helper()
	f := must(testnet.NewFederation("api"))(t)
	birch = newShop(t, f, "Birch Books", nil)
	acorn = newShop(t, f, "Acorn Shoes", change)
	if err := birch.node.Roster().Apply(must(acorn.node.Roster().Bundle(birch.node.Roster().State().Size(), 1<<20))(t)); err != nil {
		t.Fatal(err)
	}
	if err := testnet.Introduce(acorn.node, birch.node); err != nil {
		t.Fatal(err)
	}
	acorn.stock("shoe", "Running shoe", 10, 9900)
	acorn.stock("hat", "Straw hat", 5, 1250)
	return acorn, birch
}

// partners is a pair that trades at a discount of 15%.
func partners(t testing.TB, change func(*node.Config)) (acorn, birch *shop) {
	t.Helper()
	acorn, birch = pair(t, change)
	terms := exchange.DefaultTerms("EUR")
	terms.Discount = 1500
	if err := testnet.Partner(waiting(t), acorn.node, birch.node, terms); err != nil {
		t.Fatal(err)
	}
	birch.await("the supplier's window", func() bool {
		_, ready := birch.desk().Retailer.Window(acorn.id())
		return ready
	})
	return acorn, birch
}

func (s *shop) desk() *desk.Desk { return s.node.Desk() }

func (s *shop) id() exchange.ShopID { return s.desk().Shop() }

func (s *shop) product(sku exchange.SKU) exchange.ProductID {
	return exchange.ProductID{Shop: s.id(), SKU: sku}
}

// stock imports a product.
func (s *shop) stock(sku exchange.SKU, title string, units, cents int64) {
	s.t.Helper()
	s.file(fmt.Sprintf(`{"sku":%q,"title":%q,"price":"%d.%02d","stock":%d,"grams":300}`, sku, title, cents/100, cents%100, units))
}

// file imports lines of JSON.
func (s *shop) file(lines ...string) {
	s.t.Helper()
	must(s.Import(waiting(s.t), strings.NewReader(strings.Join(lines, "\n")), client.ImportOptions{}, nil))(s.t)
}

// await waits for what must become true at this shop.
func (s *shop) await(what string, see func() bool) {
	s.t.Helper()
	if _, err := testnet.Await(waiting(s.t), s.desk(), func() (bool, bool) { return true, see() }); err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// raw sends a request as it is given; header is name, value, …
func (s *shop) raw(method, target, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req := must(http.NewRequestWithContext(waiting(s.t), method, s.url+target, strings.NewReader(body)))(s.t)
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			req.Host = header[i+1]
		case header[i+1] == "":
			req.Header.Del(header[i])
		default:
			req.Header.Set(header[i], header[i+1])
		}
	}
	res := must(http.DefaultTransport.RoundTrip(req))(s.t)
	defer res.Body.Close()
	return res, string(must(io.ReadAll(res.Body))(s.t))
}

var stockholm = view.ShipTo{Name: "Åsa Berg", Lines: []string{"Storgatan 1"}, City: "Stockholm", PostalCode: "111 22", Country: "SE"}

func reserve(supplier *shop, lines ...any) view.Reserve {
	r := view.Reserve{Country: "SE"}
	for i := 0; i < len(lines); i += 2 {
		r.Lines = append(r.Lines, view.ReserveLine{Product: supplier.product(exchange.SKU(lines[i].(string))), Quantity: int64(lines[i+1].(int))})
	}
	return r
}

// wantCode reports another error than one of the code.
func wantCode(t testing.TB, what string, err error, code exchange.Code) {
	t.Helper()
	if exchange.CodeOf(err) != code {
		t.Errorf("%s: %v (%v), want %v", what, err, exchange.CodeOf(err), code)
	}
}

// wantNamed holds an error that a person reads against its naming a shop by its name.
func wantNamed(t testing.TB, err error, s *shop) {
	t.Helper()
	if err == nil || strings.Contains(err.Error(), s.id().String()) {
		t.Errorf("%v, want the shop's name", err)
	}
}

// spec holds requests and answers against the OpenAPI document.
type spec struct {
	t      testing.TB
	router routers.Router
	mu     sync.Mutex
	called map[string]bool // operations that were answered as documented
}

func newSpec(t testing.TB, document []byte) *spec {
	t.Helper()
	return &spec{t: t, router: must(readDocument(string(document)))(t), called: make(map[string]bool)}
}

// readDocument reads a document once: the shops of the tests all serve the same.
func readDocument(document string) (routers.Router, error) {
	documents.Lock()
	defer documents.Unlock()
	if router, ok := documents.read[document]; ok {
		return router, nil
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(document))
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // the tests' servers are at other addresses
	// TestDocument and TestExamples look at the examples.
	router, err := legacy.NewRouter(doc, openapi3.IsOpenAPI31OrLater(), openapi3.DisableExamplesValidation())
	if err == nil {
		documents.read[document] = router
	}
	return router, err
}

var documents = struct {
	sync.Mutex
	read map[string]routers.Router // by document
}{read: make(map[string]routers.Router)}

// check passes requests on, and reports those that the document does not describe but
// the server took, and answers that it does not describe.
func (s *spec) check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, params, err := s.router.FindRoute(r)
		if err != nil || slices.Contains([]string{"watch-events", "import", "deprecated-import"}, route.Operation.OperationID) {
			next.ServeHTTP(w, r) // no route of the document, or a stream
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		options := &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.EnableJSONSchema2020()},
		}
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil && rec.Code/100 == 2 {
			s.t.Errorf("%s %s was taken, but the document does not allow it: %v", r.Method, r.URL, err)
		}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.Code, Header: rec.Header(), Options: options}
		out.SetBodyBytes(rec.Body.Bytes())
		if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
			s.t.Errorf("%s %s was answered %d, not as documented: %v\n%s", r.Method, r.URL, rec.Code, err, rec.Body)
		} else if route.Operation.Responses.Value(strconv.Itoa(rec.Code)) == nil {
			s.t.Errorf("%s %s was answered %d, which the document does not name: %s", r.Method, r.URL, rec.Code, rec.Body)
		} else if rec.Code/100 == 2 {
			s.mu.Lock()
			s.called[route.Operation.OperationID] = true
			s.mu.Unlock()
		}
		for name, v := range rec.Header() {
			w.Header()[name] = v
		}
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
	})
}

// answered reports operations that none of the shops has answered as documented.
func answered(t testing.TB, shops []*shop, operations ...string) {
	t.Helper()
	for _, op := range operations {
		if !slices.ContainsFunc(shops, func(s *shop) bool { return s.seen.has(op) }) {
			t.Errorf("%s was not answered as documented", op)
		}
	}
}

func (s *spec) has(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.called[operation]
}
