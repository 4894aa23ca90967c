package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/node/inventory/samples"
)

const (
	crashRoundsShort = 3
	restock          = 60 // units of the scarce product a round: gone a moment before or after the kill
)

var crashRounds = flag.Int("crash.rounds", 20, "rounds of TestCrash")

const (
	scarce exchange.SKU = "LAST"
	plenty exchange.SKU = "PLENTY"
	often  exchange.SKU = "OFTEN"
)

// crash is a supplier with a scarce product and three retailers that all want it,
// each a process that may be killed at any moment. The test's goroutine owns it;
// buyers and the packer have their own parts.
type crash struct {
	t        *testing.T
	random   *rand.Rand
	net      *testnet
	supplier *shopProcess
	buyers   []*buyer
	packer   *packer
	till     *till
	// listeners follow each shop's events through all rounds.
	listeners []*listener
	dark      *atomic.Bool // the power is out: shops may answer anything but that they did it
	shelved   int64        // units of the scarce product that were ever put on the shelf

	// What was judged last: the supplier's books, the retailers', and the scarce
	// units that they bought.
	lastSold   *audit.Books
	lastBooks  map[*buyer]*audit.Books
	lastBought int64
}

// TestCrash kills shops with kill -9 in the middle of trade, again and again, and has
// their books judged by package audit, which reads the stores and nothing else, and by
// what the shops had answered. SOUK_SEED chooses what is tried; what the machine
// makes of it is not in the seed.
func TestCrash(t *testing.T) {
	rounds := *crashRounds
	if testing.Short() {
		rounds = crashRoundsShort
	}
	crashAndJudge(t, rounds)
}

// TestFault44OneShelf: the shop's own checkout, its till, a web shop that writes sums, a file of yesterday
// and partners sell from one shelf, with crashes. Nothing is promised twice.
func TestFault44OneShelf(t *testing.T) {
	c := crashAndJudge(t, crashRoundsShort)
	units, left := unitsSoldHere(c.lastSold)
	t.Logf("%d sold by partners, %d by own channels, %d of them over the counter; %d told, %d sums stale, %d paid late",
		c.lastBought, units, left, len(c.till.told), c.till.stale, c.till.late)
	if c.lastBought == 0 || units == 0 || len(c.till.told) == 0 {
		t.Error("a channel has sold nothing")
	}
}

func crashAndJudge(t *testing.T, rounds int) *crash {
	t.Helper()
	seed := crashSeed(t)
	c := newCrash(t, seed, t.TempDir())
	for i := range rounds {
		c.round(i + 1)
	}
	c.t.Logf("%d rounds: %v", rounds, c.done())
	c.heardAll()
	c.listenersAreJudged()
	c.judgesSee()
	return c
}

func crashSeed(t *testing.T) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv("SOUK_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("SOUK_SEED: %v", err)
		}
	}
	t.Logf("SOUK_SEED=%d", seed)
	return seed
}

// newCrash starts a hub and four shops that trade, with their folders in dir.
func newCrash(t *testing.T, seed uint64, dir string) *crash {
	t.Helper()
	var plans []shopPlan
	for _, name := range []string{"Supplier", "Retailer A", "Retailer B", "Retailer C"} {
		plans = append(plans, shopPlan{name: name, currency: "EUR", shipping: "5", format: inventory.FormatJSONLines, catalog: crashCatalog()})
	}
	c := &crash{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), dark: new(atomic.Bool),
		net: newTestnet(dir, souk(t), plans, newTeller(&bytes.Buffer{}, false)),
	}
	c.supplier = c.net.shops[0]
	t.Cleanup(c.end)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.must("starting the hub", c.net.startHub(ctx, ""))
	c.must("starting the shops", c.net.startShops(ctx, ""))
	_, err := c.supplier.client.SetRates(ctx, bytes.NewReader(sample(samples.RatesFile)), client.RatesOptions{})
	c.must("rates", err)
	_, _, err = c.supplier.importAndShow(ctx)
	c.must("the catalog", err)
	for i, shop := range c.net.shops[1:] {
		terms := view.ProposedTerms{OpenQuantity: exchange.MaxOpenQuantity}
		c.must("a partnership", c.supplier.sellTo(ctx, shop, terms))
		c.buyers = append(c.buyers, newBuyer(shop, c.supplier.id, c.dark, seed, uint64(i)))
	}
	for i, shop := range c.net.shops {
		c.listeners = append(c.listeners, newListener(shop, seed+uint64(i)))
	}
	c.till = newTill(c.supplier, c.dark, seed)
	c.packer = &packer{supplier: c.supplier, dark: c.dark, random: rand.New(rand.NewPCG(seed, 1)), shipped: map[exchange.OrderID]int64{}}
	return c
}

// end stops what still runs, and shows logs where the test has failed.
func (c *crash) end() {
	for _, l := range c.listeners {
		l.end()
	}
	for _, p := range c.net.all() {
		if c.t.Failed() {
			c.t.Logf("%s, the end of its log:\n%s", p.name, indent(p.logTail()))
		}
		_ = p.kill()
	}
}

func (c *crash) must(what string, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

// crashCatalog has none of the scarce product yet, and enough of the others.
func crashCatalog() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for sku, stock := range map[exchange.SKU]int{scarce: 0, plenty: 1_000_000, often: 1_000_000} {
		if err := enc.Encode(map[string]any{"sku": sku, "title": string(sku), "price": "10.00", "currency": "EUR", "stock": stock}); err != nil {
			panic(err) // strings and numbers always encode
		}
	}
	return b.Bytes()
}

// round lets the shops trade, kills one or two of them at a random moment, starts
// them again, waits until all is settled, and judges the books.
func (c *crash) round(number int) {
	c.t.Helper()
	c.restock()
	load, stop := context.WithCancel(c.t.Context())
	defer stop()
	settled := c.trade(load)
	victims := c.victims()
	c.underway(load)
	c.pass(time.Duration(c.random.IntN(1000)) * time.Millisecond)
	for _, v := range victims {
		c.must("the kill", v.kill())
	}
	c.pass(time.Duration(c.random.IntN(300)) * time.Millisecond) // the others go on alone
	stop()
	c.must("trading", settled())
	for _, v := range victims {
		c.judgeDead(number, v)
	}
	c.restart(number, victims)
	c.settle(number)
	c.judgeAll(number)
	var names []string
	for _, v := range victims {
		names = append(names, v.name)
	}
	c.t.Logf("round %d: killed %s; so far %s", number, strings.Join(names, " and "), c.done())
}

// underway waits for the first order of a round.
func (c *crash) underway(ctx context.Context) {
	c.t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	before := c.done().ordered
	c.must("the first order", until(ctx, &c.supplier.process, func(context.Context) (bool, error) {
		return c.done().ordered > before, nil
	}))
}

// pass lets real time pass: processes cannot be put into virtual time.
func (c *crash) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.t.Context().Done():
	}
}

// victims are the supplier in half of the rounds, and one or two of the four in all.
func (c *crash) victims() []*shopProcess {
	shops := c.net.shops
	first := 0
	if c.random.IntN(2) == 0 {
		first = 1 + c.random.IntN(len(shops)-1)
	}
	victims := []*shopProcess{shops[first]}
	if c.random.IntN(3) == 0 {
		victims = append(victims, shops[(first+1+c.random.IntN(len(shops)-1))%len(shops)])
	}
	return victims
}

// connected waits until every retailer reaches the supplier.
func (c *crash) connected(ctx context.Context) {
	c.t.Helper()
	for _, b := range c.buyers {
		c.must("reaching the supplier", until(ctx, &b.shop.process, func(ctx context.Context) (bool, error) {
			_, err := b.shop.client.Product(ctx, exchange.ProductID{Shop: c.supplier.id, SKU: scarce}, true)
			return err == nil, err
		}))
	}
}

// restock puts more of the scarce product on the shelf.
func (c *crash) restock() {
	c.t.Helper()
	p, err := c.supplier.client.Product(c.t.Context(), exchange.ProductID{Shop: c.supplier.id, SKU: scarce}, false)
	c.must("reading the shelf", err)
	shelf := p.Stock.Shelf + restock
	_, err = c.supplier.client.Stocks().Set(c.t.Context(), scarce, view.SetStock{Units: &shelf, CountedAt: "now"})
	c.must("filling the shelf", err)
	c.shelved += restock
}

// restart starts the shops that were killed. A shop that was killed starts clean.
func (c *crash) restart(number int, shops []*shopProcess) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for _, s := range shops {
		c.must("starting", c.net.started(&s.process))
	}
	for _, s := range shops {
		if err := s.ready(ctx); err != nil {
			c.t.Fatalf("round %d: %s does not start again: %v", number, s.name, err)
		}
	}
	c.connected(ctx)
}

// settle waits until every request is answered and every order accepted (I9). How soon
// that must be is tested in virtual time (healing), which no slow machine stretches.
func (c *crash) settle(number int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeoutCause(c.t.Context(), patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	if err := c.till.settle(ctx); err != nil {
		c.t.Fatalf("round %d: %v", number, err)
	}
	for _, b := range c.buyers {
		if _, err := awaitEqual(ctx, c.supplier, b.shop); err != nil {
			c.t.Fatalf("round %d: the books of %s do not settle: %v", number, b.shop.name, err)
		}
		if err := b.settled(ctx); err != nil {
			c.t.Fatalf("round %d: %v", number, err)
		}
	}
}
