package testnet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// A shop leaves: a preview changes nothing; then its partnerships are ended at both
// sides, its holds are released, it is no member anywhere, and its archive can be read.
// An order it had placed is finished by its supplier.
func TestVirtualLeave(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(3)
		a, leaver, c := shops[0], shops[1], shops[2]
		leaver.stop()
		leaver.folder = t.TempDir()
		leaver.start()
		for _, s := range []*shop{a, leaver} {
			s.stock(3, 10)
		}
		w.partner(a, leaver)
		w.partner(leaver, a)
		id := leaver.order(a, sku(0), 2)
		w.bought(5*time.Second, leaver, id, "accepted")
		must(a.reserve(leaver, sku(1), 3))
		sold := a.order(leaver, sku(2), 1)
		w.bought(5*time.Second, a, sold, "accepted")
		must(leaver.reserve(a, sku(1), 4))

		preview, err := leaver.Leave(w.ctx(), true)
		if err != nil {
			t.Fatal(err)
		}
		if len(preview.OpenOrders) != 2 || preview.OpenOrders[0].Order != sold || preview.OpenOrders[1].Order != id || !must(a.Desk().Partnerships.Get(leaver.id, exchange.Supplier)).State.Active {
			t.Errorf("the preview says or does too much or too little: %+v", preview)
		}
		if _, err := leaver.Leave(w.ctx(), false); err != nil {
			t.Fatal(err)
		}
		w.wait(10*time.Second, "everybody knows that it left", func() bool {
			for _, s := range []*shop{a, c} {
				if m, _ := s.Roster().Member(leaver.id); m.Status != membership.Left || s.Net().Connected(leaver.id) {
					return false
				}
			}
			return true
		})
		for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
			if must(a.Desk().Partnerships.Get(leaver.id, side)).State.Active {
				t.Errorf("the partnership with the one that left is in force, as its %v", side)
			}
		}
		w.wait(5*time.Second, "its hold is released", func() bool { return must(a.Desk().Shelf.Stock(sku(1))).Held == 0 })
		if _, ok := a.seen(leaver, sku(0)); ok {
			t.Error("its catalog is still shown")
		}
		if _, err := a.Desk().Supplier.ShipOrder(w.ctx(), id, nil, "Post", "1Z"); err != nil {
			t.Errorf("its order cannot be finished: %v", err)
		}
		archive, err := os.ReadFile(filepath.Join(leaver.folder, "archive.json"))
		if err != nil || !strings.Contains(string(archive), id.String()) {
			t.Errorf("the archive does not tell of the order: %v", err)
		}
		if n := strings.Count(string(archive), shipTo.Lines[0]); n != 1 {
			t.Errorf("the archive holds %d consumers' addresses; one order is still to be shipped", n)
		}
	})
}
