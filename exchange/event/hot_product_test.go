package event_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

// TestHotProduct: a running shop tells its watchers of 2,000 holds in few events, and of each
// hold.
func TestHotProduct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := desktest.NewWorld(t, 1, 2)
		acorn, birch := w.Shops[0], w.Shops[1]
		acorn.Stock("shoe", 10_000, 9900)
		terms := exchange.DefaultTerms("EUR")
		terms.OpenQuantity = 10_000
		w.Partner(acorn, birch, terms)
		cfg := acorn.Config()
		cfg.Inline = false
		d, err := desk.Open(cfg)
		desktest.Must(t, err)
		run, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(run) }()
		events, stop := d.Events.Watch()
		defer stop()
		const holds = 2000
		for i := range holds {
			raw, err := message.Frame(protocol.Codec{}, &message.Hold{
				ID: exchange.NewHoldID(exchange.WindowAt(w.Now), [12]byte{1, byte(i), byte(i >> 8)}), Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE",
			})
			desktest.Must(t, err)
			_, err = d.Serve(t.Context(), birch.ID, raw)
			desktest.Must(t, err)
		}
		time.Sleep(time.Second) // of the bubble
		told, units, n := 0, exchange.Quantity(0), 0
		for len(events) > 0 {
			e, ok := (<-events).(event.Holds)
			if n++; !ok {
				continue
			}
			told += e.Count
			for _, l := range e.Lines {
				units += l.Quantity
			}
		}
		if told != holds || units != 2*holds || n > 40 {
			t.Errorf("%d events tell of %d holds and %d units; want %d holds in few events", n, told, units, holds)
		}
		end()
		desktest.Must(t, <-done)
	})
}
