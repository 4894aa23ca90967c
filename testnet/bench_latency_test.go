package testnet_test

import (
	"context"
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// BenchmarkHoldLatency measures one hold between idle shops, from asking to the sealed
// quote. Floor: one request's round trip over the same streams and one synced commit, of the
// same run; and beside it the floor with the signature and the verification that a sealed
// answer cannot do without.
func BenchmarkHoldLatency(b *testing.B) {
	supplier, retailers := market(b, 1, 1)
	retailer := retailers[0].Desk()
	request := trade.ReserveRequest{
		Supplier: supplier.Desk().Shop(), Lines: exchangetest.Lines(exchange.Line{SKU: "SKU-0000000", Quantity: 1}), Country: "SE",
	}
	floors := newFloors(b, supplier, retailers[0])
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := retailer.Retailer.Reserve(context.Background(), request); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
		floors.sample()
	}
	report(b, took, floors.sum([4]int{floorTrip: 1, floorCommit: 1}))
	sealed := floors.sum([4]int{floorTrip: 1, floorCommit: 1, floorSign: 1, floorVerify: 1})
	b.ReportMetric(float64(percentile(took, 50))/float64(sealed), "x-sealed-floor")
	floors.report(b)
}

// BenchmarkOrderLatency measures one order between idle shops, from placing it to
// knowing that it is accepted. Floor: one round trip, three synced commits (the request here,
// the entries there, the entries here), two signatures and two verifications, of the same run.
func BenchmarkOrderLatency(b *testing.B) {
	supplier, retailers := market(b, 1, 1)
	retailer := retailers[0].Desk()
	floors := newFloors(b, supplier, retailers[0])
	events, stop := retailer.Events.Watch()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var took []time.Duration
	for b.Loop() {
		res, err := retailer.Retailer.Reserve(ctx, trade.ReserveRequest{
			Supplier: supplier.Desk().Shop(), Lines: exchangetest.Lines(exchange.Line{SKU: "SKU-0000000", Quantity: 1}), Country: "SE",
		})
		if err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		if _, err := retailer.Retailer.PlaceOrder(ctx, res.Request.ID, shipTo); err != nil {
			b.Fatal(err)
		}
		for accepted := false; !accepted; {
			select {
			case e := <-events:
				o, ok := e.(event.Order)
				accepted = ok && o.ID == res.Request.ID && o.Status == "accepted"
			case <-ctx.Done():
				b.Fatal(ctx.Err())
			}
		}
		took = append(took, time.Since(begin))
		floors.sample()
	}
	report(b, took, floors.sum([4]int{floorTrip: 1, floorCommit: 3, floorSign: 2, floorVerify: 2}))
	floors.report(b)
}

func report(b *testing.B, took []time.Duration, floor time.Duration) {
	p50, p99 := percentile(took, 50), percentile(took, 99)
	b.ReportMetric(micros(p50), "p50-µs")
	b.ReportMetric(micros(p99), "p99-µs")
	b.ReportMetric(micros(floor), "floor-µs")
	b.ReportMetric(float64(p50)/float64(floor), "x-floor")
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// floors are what no implementation can do without. Each is sampled once after every
// measured operation, so that a machine that others use slows both down alike, and counts with
// its median.
type floors struct {
	steps [4]func()
	took  [4][]time.Duration
}

const (
	floorTrip = iota
	floorCommit
	floorSign
	floorVerify
)

// newFloors asks for a hold that does not exist, which costs the supplier one
// read; commits one small record to a synced store; signs and verifies.
func newFloors(b *testing.B, supplier, retailer *node.Shop) *floors {
	b.Helper()
	ask := append([]byte{byte(message.KindHoldStatus)}, must(protocol.Codec{}.Encode(&message.HoldStatus{ID: exchange.NewHoldID(1, [12]byte{1})}))...)
	db := must(store.Open(filepath.Join(b.TempDir(), "floor"), store.Options{Sync: true, Profile: store.Ledger}))
	b.Cleanup(func() { db.Close() })
	key := newKey(b)
	message := make([]byte, 200)
	signature := ed25519.Sign(key, message)
	return &floors{steps: [4]func(){
		floorTrip: func() {
			_, err := retailer.Net().Request(context.Background(), supplier.Desk().Shop(), protocol.Trade, ask)
			if exchange.CodeOf(err) != exchange.CodeNotFound {
				b.Fatal(err)
			}
		},
		floorCommit: func() {
			if err := db.Commit([]kv.Write{{Key: []byte("floor"), Value: make([]byte, 512)}}); err != nil {
				b.Fatal(err)
			}
		},
		floorSign:   func() { ed25519.Sign(key, message) },
		floorVerify: func() { ed25519.Verify(key.Public().(ed25519.PublicKey), message, signature) },
	}}
}

func (f *floors) sample() {
	for i, step := range f.steps {
		begin := time.Now()
		step()
		f.took[i] = append(f.took[i], time.Since(begin))
	}
}

// sum is the floor of an operation with so many of each.
func (f *floors) sum(times [4]int) (floor time.Duration) {
	for i, n := range times {
		floor += time.Duration(n) * percentile(f.took[i], 50)
	}
	return floor
}

func (f *floors) report(b *testing.B) {
	b.ReportMetric(micros(percentile(f.took[floorTrip], 50)), "trip-µs")
	b.ReportMetric(micros(percentile(f.took[floorCommit], 50)), "fsync-commit-µs")
}
