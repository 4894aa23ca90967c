package trade_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// proposal is a supplier's push of its first ledger entry, dated as it likes.
func proposal(t testing.TB, from, to *desktest.Shop, at exchange.Time) []byte {
	t.Helper()
	payload, err := protocol.Codec{}.Encode(&message.Entry{
		Link: ledger.Link{Supplier: from.ID, Retailer: to.ID, Position: 1, At: at}, Own: message.ProposeTerms{Terms: exchange.DefaultTerms("EUR")},
	})
	desktest.Must(t, err)
	sealed, err := protocol.NewSigner(from.Key, desktest.Origin, from.Random).Seal([][]byte{payload})
	desktest.Must(t, err)
	return framed(t, &message.Push{Entries: sealed})
}

// TestEntriesOfTheFutureAreRefused: an entry dated days ahead is not taken, and
// freezes nothing: the same supplier's next one, of today, is.
func TestEntriesOfTheFutureAreRefused(t *testing.T) {
	w := desktest.NewWorld(t, 1, 2)
	acorn, birch := w.Shops[0], w.Shops[1]
	for _, at := range []exchange.Time{w.Now.Add(49 * time.Hour), exchange.MaxTime} {
		t.Run(at.String(), func(t *testing.T) {
			if _, err := birch.Desk.Serve(desktest.Ctx, acorn.ID, proposal(t, acorn, birch, at)); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Errorf("%v", err)
			}
		})
	}
	_, err := birch.Desk.Serve(desktest.Ctx, acorn.ID, proposal(t, acorn, birch, w.Now.Add(47*time.Hour)))
	desktest.Must(t, err)
	trade, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
	desktest.Must(t, err)
	if trade.Frozen || trade.State.Open.By != exchange.Supplier {
		t.Errorf("frozen %v, the open proposal is %+v", trade.Frozen, trade.State.Open)
	}
}
