package api_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/testnet"
)

// reads are what a shop's API shows of its own products: by SKU, title, price and count.
func (s *shop) reads(q replica.Query) string {
	s.t.Helper()
	q.Shop = s.id()
	var list []string
	for _, p := range must(s.Products(waiting(s.t), q))(s.t).Products {
		one := must(s.Product(waiting(s.t), p.ID, false))(s.t)
		if one.Title != p.Title || one.Price != p.Price || one.PriceUSD.Amount != p.PriceUSD.Amount || one.Available != p.Available {
			s.t.Errorf("the list shows %+v, the product's page %+v", p, one)
		}
		list = append(list, fmt.Sprintf("%s %s %s=%s$ %s", p.SKU, p.Title, p.Price.Amount, p.PriceUSD.Amount, units(p.Available)))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func units(a view.Availability) string {
	if a.Unlimited {
		return "unlimited"
	}
	return fmt.Sprint(a.Units)
}

func (s *shop) mustRead(after string, q replica.Query, want string) {
	s.t.Helper()
	if got := s.reads(q); got != want {
		s.t.Errorf("after %s: %q, want %q", after, got, want)
	}
}

func (s *shop) count(sku string, set view.SetStock) {
	s.t.Helper()
	must(s.Stocks().Set(waiting(s.t), exchange.SKU(sku), set))(s.t)
}

// stopSelling is what the proof of a lost record does.
func (s *shop) stopSelling() {
	s.t.Helper()
	d := s.desk()
	if err := d.Writer.Do(context.Background(), func(b *writer.Batch) error {
		d.Selling.Stop(b, "a test")
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

// TestReadAfterWrite: what was answered is shown, at once and by every way to read it, also
// while the feed publishes nothing.
func TestReadAfterWrite(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped=%v", stopped), func(t *testing.T) {
			s := newShop(t, must(testnet.NewFederation("api"))(t), "Acorn Shoes", nil)
			if stopped {
				s.stopSelling()
			}
			s.mustRead("a start", replica.Query{}, "")
			s.file(`{"sku":"cap","title":"Red cap","price":"10.00","stock":4}`, `{"sku":"tie","title":"Blue tie","price":"5.00","stock":0}`)
			s.mustRead("an import", replica.Query{}, "cap Red cap 10.00=11.00$ 4, tie Blue tie 5.00=5.50$ 0")
			s.mustRead("an import", replica.Query{Text: "red"}, "cap Red cap 10.00=11.00$ 4")
			for i := range 20 {
				s.file(fmt.Sprintf(`{"sku":"cap","title":"Word%d cap","price":"%d.00","stock":4}`, i, 10+i))
				s.mustRead("a changed title", replica.Query{Text: fmt.Sprintf("word%d", i)}, fmt.Sprintf("cap Word%d cap %d.00=%d.%d0$ 4", i, 10+i, 11*(10+i)/10, i%10))
				if i > 0 {
					s.mustRead("a changed title", replica.Query{Text: fmt.Sprintf("word%d", i-1)}, "")
				}
			}
			s.file(`{"sku":"cap","title":"Red cap","price":"10.00","stock":4}`)
			for i := range int64(20) {
				s.count("tie", view.SetStock{Units: ptr(i % 2), CountedAt: "now"})
				want := ""
				if i%2 == 1 {
					want = "tie Blue tie 5.00=5.50$ 1"
				}
				s.mustRead("a count", replica.Query{Text: "tie", InStock: true}, want)
			}
			must(s.Stocks().Count(waiting(t), view.CountShelves{Counts: []view.ShelfCount{
				{SKU: "cap", SetStock: view.SetStock{Units: ptr(int64(12345)), CountedAt: "now"}}, {SKU: "tie", SetStock: view.SetStock{Unlimited: true, CountedAt: "now"}},
			}}))(t)
			s.mustRead("counts", replica.Query{InStock: true}, "cap Red cap 10.00=11.00$ 12345, tie Blue tie 5.00=5.50$ unlimited")
			must(s.SetRates(waiting(t), strings.NewReader(string(must(os.ReadFile("../inventory/samples/ecb-rates.xml"))(t))), client.RatesOptions{}))(t)
			cents := must(s.Products(waiting(t), replica.Query{Text: "cap"}))(t).Products[0].PriceUSD.Amount
			if cents == "11.00" {
				t.Error("the price in dollars is that of the old rate")
			}
			if err := s.desk().Shelf.Remove(waiting(t), "tie"); err != nil {
				t.Fatal(err)
			}
			s.mustRead("a removal", replica.Query{}, "cap Red cap 10.00="+cents+"$ 12345")
			if p := must(s.Product(waiting(t), s.product("tie"), true))(t); p.Listing.State != view.StateRemoved || p.Sellable || p.Live.Known {
				t.Errorf("the page of a removed product: %+v", p)
			}
			_, err := s.Product(waiting(t), s.product("none"), false)
			wantCode(t, "a product that never was", err, exchange.CodeNotFound)
			s.file(`{"sku":"tie","title":"Blue tie","price":"10.00","stock":1}`)
			s.mustRead("a file that has it", replica.Query{Text: "blue"}, "")
			if err := s.node.Publish(waiting(t), "tie"); err != nil {
				t.Fatal(err)
			}
			s.mustRead("its return", replica.Query{Text: "blue"}, "tie Blue tie 10.00="+cents+"$ 1")
		})
	}
}

// TestReadAfterHold: what partners hold and buy is in the next read of the own products.
func TestReadAfterHold(t *testing.T) {
	acorn, birch := partners(t, nil)
	for left := int64(9); left >= 5; left-- {
		held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 1)))(t)
		acorn.mustRead("a hold", replica.Query{Text: "running"}, fmt.Sprintf("shoe Running shoe 99.00=108.90$ %d", left))
		if left == 5 {
			must(birch.PlaceOrder(waiting(t), view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
			acorn.mustRead("an order", replica.Query{Text: "running"}, "shoe Running shoe 99.00=108.90$ 5")
		}
	}
}

// TestReadAfterRestart: a shop that starts shows its products at once: where it published
// nothing before, and where its copies are lost.
func TestReadAfterRestart(t *testing.T) {
	for name, lose := range map[string]bool{"as it was": false, "without its copies": true} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, must(testnet.NewFederation("api"))(t), "Acorn Shoes", nil)
			s.file(`{"sku":"cap","title":"Red cap","price":"10.00","stock":4}`)
			s.stopSelling()
			s.file(`{"sku":"tie","title":"Red tie","price":"5.00","stock":0}`)
			s.stop()
			if lose {
				s.disks.Replicas = store.Memory()
			}
			s.start()
			s.mustRead("a start", replica.Query{Text: "red"}, "cap Red cap 10.00=11.00$ 4, tie Red tie 5.00=5.50$ 0")
		})
	}
}
