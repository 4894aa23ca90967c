package trade_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
)

// An operation that fails inside a batch leaves no trace: a batch with failing
// operations among others leaves the store, byte for byte, as the same batch without
// them.
func TestFailedOperationLeavesNoTrace(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	rapid.Check(t, func(rt *rapid.T) {
		with, without := m.again(t, kv.Limits{}, asIs), m.again(t, kv.Limits{}, asIs)
		var all, good []func() ([]byte, error)
		var fails []bool
		for range rapid.IntRange(1, 25).Draw(rt, "operations") {
			fail := rapid.IntRange(0, 2).Draw(rt, "fails") == 0
			kind := rapid.IntRange(0, 5).Draw(rt, "kind")
			n := rapid.IntRange(0, 6).Draw(rt, "n")
			fails = append(fails, fail)
			if fail {
				all = append(all, with.failing(t, kind, n))
				continue
			}
			all, good = append(all, with.working(t, kind, n)), append(good, without.working(t, kind, n))
		}
		a, err := with.together(all...)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := without.together(good...)
		if err != nil {
			rt.Fatal(err)
		}
		for i, r := range a {
			if fails[i] != (r.err != nil) {
				rt.Fatalf("operation %d: %v", i, r.err)
			}
		}
		a = slices.DeleteFunc(a, func(o outcome) bool { return o.err != nil })
		for i := range b {
			if !bytes.Equal(a[i].reply, b[i].reply) {
				rt.Fatalf("answer %d differs", i)
			}
		}
		if x, y := contents(t, with.mem), contents(t, without.mem); !maps.EqualFunc(x, y, bytes.Equal) {
			for k := range x {
				if !bytes.Equal(x[k], y[k]) {
					rt.Errorf("key %q: %q, without the failing operations %q", k, x[k], y[k])
				}
			}
			rt.Fatalf("%d keys, without the failing operations %d", len(x), len(y))
		}
	})
}

// working is an operation that succeeds, whatever came before it.
func (m *market) working(t testing.TB, kind, n int) func() ([]byte, error) {
	from := m.retailers[n%2]
	raw, id := m.hold(t, n, exchange.Line{SKU: "shoe", Quantity: exchange.Quantity(1 + n)}, exchange.Line{SKU: "hat", Quantity: 1})
	switch kind {
	case 0:
		return m.serve(from, framed(t, &message.Release{ID: id}))
	case 1:
		return m.serve(from, framed(t, &message.Extend{ID: id, Until: m.supplier.W.Now.Add(time.Minute)}))
	case 2:
		return func() ([]byte, error) {
			_, err := m.desk.Shelf.SetStock(desktest.Ctx, "shoe", int64(n), false)
			return nil, err
		}
	}
	return m.serve(from, raw)
}

// failing is an operation that fails, most after they have written something.
func (m *market) failing(t testing.TB, kind, n int) func() ([]byte, error) {
	from := m.retailers[n%2]
	if kind < 3 { // a chunk whose last item is bad
		good := shelf.Item{
			Product: exchange.Product{SKU: []exchange.SKU{"shoe", "hat", "new"}[kind], Title: "x", Price: exchange.Money{Minor: int64(n), Currency: "EUR"}},
			Stock:   shelf.Figure{Set: true, Units: int64(n)},
		}
		bad := good
		bad.Product.SKU, bad.Product.Price.Minor = "bad", math.MaxInt64 // too much for US dollars
		return func() ([]byte, error) {
			_, err := m.desk.Shelf.Import(desktest.Ctx, shelf.Statement{AllowRenamed: true}, []shelf.Item{good, bad})
			return nil, err
		}
	}
	// A request of the ledger, entered, and then one that leaves a gap.
	trade, err := m.desk.Partnerships.Get(from.ID, exchange.Supplier)
	desktest.Must(t, err)
	submit := &message.Submit{Have: trade.Position}
	for _, number := range []uint64{2, 4} { // request 1 accepted the terms
		payload, err := protocol.Codec{}.Encode(&message.Request{
			Supplier: m.supplier.ID, Retailer: from.ID, Number: number, At: m.supplier.W.Now, Act: message.EndTrade{Reason: fmt.Sprint(n)},
		})
		desktest.Must(t, err)
		sig, err := protocol.NewSigner(from.Key, desktest.Origin, nil).Sign(message.DomainRequest, payload)
		desktest.Must(t, err)
		submit.Requests = append(submit.Requests, message.SubmittedRequest{Signed: message.SignedRequest{Payload: payload, Signature: sig}})
	}
	return m.serve(from, framed(t, submit))
}
