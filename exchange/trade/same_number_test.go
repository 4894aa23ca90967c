package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Two Submits of one batch use one number for different requests: the second is a
// conflict, and nothing that follows it is entered.
func TestOneNumberTwiceInABatch(t *testing.T) {
	m := newMarket(t, kv.Limits{}, asIs)
	birch := m.retailers[0]
	p, err := m.desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	stale := func(n byte) message.Act { return message.DeclineTerms{Proposal: [32]byte{n}} }
	submit := func(numbers ...uint64) []byte {
		s := message.Submit{Have: p.Position}
		for _, n := range numbers {
			s.Requests = append(s.Requests, signedRequest(t, m.supplier, birch, n, stale(byte(len(numbers)))))
		}
		return framed(t, &s)
	}
	same := submit(2)
	results, err := m.together(m.serve(birch, same), m.serve(birch, same), m.serve(birch, submit(2, 3)))
	desktest.Must(t, err)
	for i, r := range results {
		if r.err != nil {
			t.Errorf("submit %d: %v", i, r.err)
		}
	}
	after, err := m.desk.Partnerships.Get(birch.ID, exchange.Supplier)
	desktest.Must(t, err)
	if after.Position != p.Position+1 {
		t.Errorf("%d entries follow a number that was used twice, not 1", after.Position-p.Position)
	}
}
