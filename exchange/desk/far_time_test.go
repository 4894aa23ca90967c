package desk_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// proposal is a supplier's push of its first ledger entry, dated as it likes.
func proposal(t testing.TB, from, to *shop, at exchange.Time) []byte {
	t.Helper()
	payload, err := protocol.Codec{}.Encode(&message.Entry{
		Link: ledger.Link{Supplier: from.id, Retailer: to.id, Position: 1, At: at}, Own: message.ProposeTerms{Terms: exchange.DefaultTerms("EUR")},
	})
	must(t, err)
	sealed, err := protocol.NewSigner(from.key, origin, from.random).Seal([][]byte{payload})
	must(t, err)
	return framed(t, &message.Push{Entries: sealed})
}

// TestEntriesOfTheFutureAreRefused: an entry dated days ahead is not taken, and
// freezes nothing: the same supplier's next one, of today, is.
func TestEntriesOfTheFutureAreRefused(t *testing.T) {
	w := newWorld(t, 1, 2)
	acorn, birch := w.shops[0], w.shops[1]
	for _, at := range []exchange.Time{w.now.Add(49 * time.Hour), exchange.MaxTime} {
		if _, err := birch.desk.Serve(ctx, acorn.id, proposal(t, acorn, birch, at)); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Errorf("an entry of %v: %v", at, err)
		}
	}
	_, err := birch.desk.Serve(ctx, acorn.id, proposal(t, acorn, birch, w.now.Add(47*time.Hour)))
	must(t, err)
	trade, err := birch.desk.Trade(acorn.id, exchange.Retailer)
	must(t, err)
	if trade.Frozen || trade.State.Open.By != exchange.Supplier {
		t.Errorf("frozen %v, the open proposal is %+v", trade.Frozen, trade.State.Open)
	}
}
