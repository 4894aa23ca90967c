package testnet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/testnet"
)

// BenchmarkBasket measures a basket held at five suppliers, from asking to all sealed quotes, beside
// one supplier's hold of the same run: between idle shops over real hosts, each with a synced store
// of its own on one disk. x-one is the one by the other. All six shops are on this machine: with fewer
// cores than shops the suppliers' work adds up, which x-together leaves out: the basket by five holds
// that are asked for at once, and nothing that makes them one.
func BenchmarkBasket(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	retailer, suppliers := neighbours(b, 5)
	req := trade.BasketRequest{Country: "SE"}
	lines := exchangetest.Lines(exchange.Line{SKU: "SKU", Quantity: 1})
	for i, s := range suppliers {
		if _, err := s.Desk().Shelf.Import(ctx, shelf.Statement{}, []shelf.Item{{
			Product: exchange.Product{SKU: "SKU", Title: fmt.Sprintf("Running shoe %d", i), Price: exchange.Money{Minor: 4990, Currency: "EUR"}},
			Stock:   shelf.Figure{Set: true, Units: 1_000_000_000},
		}}); err != nil {
			b.Fatal(err)
		}
		if err := testnet.Partner(ctx, s, retailer, benchTerms()); err != nil {
			b.Fatal(err)
		}
		if _, err := testnet.Await(ctx, retailer.Desk(), func() (exchange.Window, bool) {
			return retailer.Desk().Retailer.Window(s.Desk().Shop())
		}); err != nil {
			b.Fatal(err)
		}
		req.Parts = append(req.Parts, trade.BasketPart{Supplier: s.Desk().Shop(), Lines: lines})
	}
	reserve := func(i int) {
		if _, err := retailer.Desk().Retailer.Reserve(ctx, trade.ReserveRequest{Supplier: req.Parts[i].Supplier, Lines: lines, Country: "SE"}); err != nil {
			b.Error(err)
		}
	}
	var one, together, five []time.Duration
	for b.Loop() {
		begin := time.Now()
		reserve(0)
		one = append(one, time.Since(begin))
		begin = time.Now()
		var all sync.WaitGroup
		for i := range suppliers {
			all.Go(func() { reserve(i) })
		}
		all.Wait()
		together = append(together, time.Since(begin))
		begin = time.Now()
		if _, err := retailer.Desk().Baskets.Hold(ctx, req); err != nil {
			b.Fatal(err)
		}
		five = append(five, time.Since(begin))
	}
	b.ReportMetric(micros(percentile(one, 50)), "one-p50-µs")
	b.ReportMetric(micros(percentile(five, 50)), "p50-µs")
	b.ReportMetric(micros(percentile(five, 99)), "p99-µs")
	b.ReportMetric(float64(percentile(five, 50))/float64(percentile(one, 50)), "x-one")
	b.ReportMetric(float64(percentile(five, 50))/float64(percentile(together, 50)), "x-together")
}
