package trade_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
)

// TestBothShopsKeepTheDelivery: address, reference and note are what the retailer wrote, at both
// shops and after restarts; nothing of them is in what both signed.
func TestBothShopsKeepTheDelivery(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	to := desktest.Stockholm
	to.Reference, to.Note = "#1001 å", "A gift.\nNo invoice."
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	id := res.Request.ID
	_, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, to)
	desktest.Must(t, err)
	kept := func(when string, s *desktest.Shop, side exchange.Party) {
		t.Helper()
		got, err := s.Desk.Orders.Delivery(side, desktest.OrderAt(t, s, side, id))
		if err != nil || !reflect.DeepEqual(*got, to) {
			t.Errorf("%s, %v: %+v, %v", when, side, got, err)
		}
	}
	kept("queued", birch, exchange.Retailer)
	w.Settle()
	for _, when := range []string{"accepted", "after restarts"} {
		kept(when, birch, exchange.Retailer)
		kept(when, acorn, exchange.Supplier)
		acorn.Restart()
		birch.Restart()
	}
	for _, s := range []*desktest.Shop{acorn, birch} {
		desktest.Must(t, s.Mem.Scan(kv.Prefix(nil), func(k, v []byte) bool {
			if strings.Contains(string(v), "#1001") && !strings.HasPrefix(string(k), "a/") {
				t.Errorf("%s keeps the reference under %q", s.Name, k)
			}
			return true
		}))
	}
	audited(t, acorn, birch)

	other := to
	other.Reference = "#1002"
	_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, other)
	if exchange.CodeOf(err) != exchange.CodeConflict || !strings.Contains(err.Error(), "another reference") {
		t.Errorf("with another reference: %v", err)
	}
	other = to
	other.City = "Lund"
	if _, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, other); exchange.CodeOf(err) != exchange.CodeConflict || !strings.Contains(err.Error(), "another address") {
		t.Errorf("to another address: %v", err)
	}
	if _, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, to); err != nil {
		t.Errorf("the same again: %v", err)
	}
	other.Reference = "\n"
	if _, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, other); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("a reference that is none: %v", err)
	}
}

// TestSaltAlone: the version before kept the salt alone at the retailer. Its orders have no
// delivery to show; what was ordered then is found by the same address.
func TestSaltAlone(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	placed := desktest.Buy(t, birch, acorn, "shoe", 1)
	w.Settle()
	key := record.ShipToKey(birch.ID, placed.ID)
	kept, err := record.Get[record.ShipTo](birch.Mem, protocol.Codec{}, key)
	desktest.Must(t, err)
	kept.Raw = nil
	raw, err := record.Encode(protocol.Codec{}, kept)
	desktest.Must(t, err)
	desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: key, Value: raw}}))
	birch.Restart()
	if got, err := birch.Desk.Orders.Delivery(exchange.Retailer, placed); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, placed.ID, desktest.Stockholm); err != nil {
		t.Errorf("the same again: %v", err)
	}
	audited(t, acorn, birch)
}
