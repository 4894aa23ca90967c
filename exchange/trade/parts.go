package trade

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

// Feed is what trade asks of the shop's own catalog feed.
type Feed interface {
	// Greeting is the last head and the gossip key; nil before the first publishing.
	Greeting() (*message.SignedFeedHead, *message.FeedKey, error)
	// RotateKey makes a new gossip key, since a shop may read the feed no longer.
	RotateKey(*writer.Batch) error
}

// Config is what [New] needs. Everything without "optional" is required.
type Config struct {
	Shop     exchange.ShopID
	Store    kv.Store
	Codec    message.Codec
	Signer   message.Signer
	Verifier message.Verifier
	Network  message.Network
	Clock    exchange.Clock
	Members  Members
	Writer   *writer.Writer
	Shelf    *shelf.Shelf
	Feed     Feed
	Selling  *Selling
	Events   *event.Watchers
	// Bridge, optional, is the shop's own system, where that has the authority over the stock.
	Bridge bridge.Bridge
	// Random fills bytes that nobody can guess: hold ids and salts.
	Random func([]byte) error
	Logger *slog.Logger
}

// Trade is a shop's partnerships, holds and orders, in both roles. Its parts share the
// writer's batch: each sees what the others changed in it.
type Trade struct {
	Partnerships *Partnerships
	Ledgers      *Ledgers
	Orders       *Orders
	Supplier     *Supplier
	Retailer     *Retailer
	Own          *OwnSales
	Bridged      *Bridged
	Baskets      *Baskets
}

// shop is what every part needs: the shop's id and its ports. It never changes.
type shop struct {
	me       exchange.ShopID
	store    kv.Store
	codec    message.Codec
	signer   message.Signer
	verifier message.Verifier
	network  message.Network
	clock    exchange.Clock
	members  Members
	writer   *writer.Writer
	events   *event.Watchers
	random   func([]byte) error
	log      *slog.Logger
}

// put writes a record that is in no table.
func (s *shop) put(b *writer.Batch, key []byte, v message.Value) error {
	return record.Put(b, s.codec, key, v)
}

func (s *shop) frame(v message.Value) ([]byte, error)   { return message.Frame(s.codec, v) }
func (s *shop) unframe(b []byte) (message.Value, error) { return message.Unframe(s.codec, b) }

// quoteIn is the quote in a sealed answer about a hold, which this shop has verified before or
// sealed itself; CodeState where the answer has none, or there is no answer.
func (s *shop) quoteIn(sealed []byte) (*exchange.Quote, error) {
	if sealed == nil {
		return nil, exchange.Errorf(exchange.CodeState, "the reservation has no quote")
	}
	payload, err := s.verifier.Peek(sealed)
	if err != nil {
		return nil, err
	}
	answer, err := message.Decode[message.HoldAnswer](s.codec, payload)
	if err != nil {
		return nil, err
	}
	if answer.Quote == nil {
		return nil, exchange.Errorf(exchange.CodeState, "the reservation has no quote")
	}
	return answer.Quote, nil
}

// Partnerships are this shop's partnerships: with each partner up to two, one in which it
// is the supplier and one in which it is the retailer.
type Partnerships struct {
	*shop
	ledgers  *Ledgers
	supplier *Supplier
	currency exchange.Currency // the shop's own: what it sells in
	feed     Feed

	rows *writer.Table[ledger.ID, record.Partnership]
	view partnerView
	// proposals counts what each retailer proposes. Writer's turn only.
	proposals quota
}

// Ledgers are the ledgers that this shop shares with its partners. As supplier it appends
// entries; as retailer it adopts them.
type Ledgers struct {
	*shop
	selling      *Selling
	partnerships *Partnerships
	orders       *Orders
	supplier     *Supplier
	retailer     *Retailer
	sender       *sender
	feed         Feed

	rows *writer.Table[ledger.ID, record.Ledger]
	ends ledgerEnds
	// entered are the requests entered in the batch that runs: digests, by their number.
	entered *writer.Table[requestID, [32]byte]
	// answering is set while a retailer's requests are entered: the answer carries the
	// entries appended meanwhile. Writer's turn only.
	answering bool
	start     coldStart
	// strangers and requests count what each partner makes this shop keep. Writer's turn only.
	strangers, requests quota
}

// requestID names a numbered request.
type requestID struct {
	ledger ledger.ID
	number uint64
}

// Orders are this shop's orders, at either side.
type Orders struct {
	*shop
	partnerships *Partnerships
	ledgers      *Ledgers
	supplier     *Supplier
	retailer     *Retailer
	own          *OwnSales
	baskets      *Baskets

	rows *writer.Table[orderID, *record.Order]
}

// orderID names an order as this shop keeps it.
type orderID struct {
	side    exchange.Party // this shop's
	id      exchange.OrderID
	partner exchange.ShopID
}

// Supplier is this shop as supplier: the holds on its stock, their expiry, and the orders that
// it ships.
type Supplier struct {
	holdings
	selling      *Selling
	partnerships *Partnerships
	ledgers      *Ledgers
	orders       *Orders

	policy   atomic.Pointer[Policy]
	meter    atomic.Pointer[Meter]
	departed departedShops

	// What follows belongs to the writer's turn.

	// began are the orders submitted in the batch that runs, and their retailers.
	began *writer.Table[exchange.OrderID, exchange.ShopID]
	// endedNow are the versions of terms that the batch that runs has ended. ended are those
	// that earlier batches ended and whose holds are being released.
	endedNow                *writer.Table[ledger.ID, uint32]
	ended                   map[ledger.ID]ending
	holdExpiry, orderExpiry expiryIndex
	nextExpiry              exchange.Time // nothing of this shop's expires before it
	refused                 quota         // holds, by retailer
	released                releasedHolds // what refused did not keep
}

// holdings are the holds on this shop's stock, of partners and of its own channels: their records,
// what they take of the stock, and the index of when they expire. Writer's turn only.
type holdings struct {
	*shop
	shelf   *shelf.Shelf
	bridged *Bridged
	baskets *Baskets // are told of own reservations
	holds   *writer.Table[holdID, *heldRecord]
	due     func(exchange.Time) // is told when a hold expires
}

// holdID names a hold at its supplier.
type holdID struct {
	retailer exchange.ShopID
	id       exchange.HoldID
}

// Retailer is this shop as retailer: its reservations and its purchases.
type Retailer struct {
	*shop
	selling      *Selling
	partnerships *Partnerships
	ledgers      *Ledgers
	orders       *Orders
	sender       *sender
	asker        *asker
	baskets      *Baskets

	rows    *writer.Table[exchange.HoldID, *record.Reservation] // writer's turn only
	pending pendingReservations
	notices expiryNotices
}

// Policy is how the shop answers as a supplier.
type Policy struct {
	AcceptByHand bool // orders wait for the owner; else they are accepted as they come
	// OwnHold is the longest life of a reservation of the shop's own channels, extensions
	// included; 0 = DefaultOwnHold.
	OwnHold time.Duration
	// Keep is how many units of each stock are kept back from partners, Share how many one
	// partner may hold of it (0 = as many as there are), where the stock does not say.
	Keep, Share int64
	// KeepAddresses is how long after the last of an order was shipped or given up its address,
	// reference and note are kept, of bought and sold orders alike; 0 = for good.
	KeepAddresses time.Duration
	Shipping      exchange.ShippingTable
	Tax           exchange.Tax
	Rate          exchange.Rate // newest US dollar rate of the shop's currency
}

// Meter counts what the hot path does, for metrics. Its functions are called from many
// goroutines, must be quick, and may be nil.
type Meter struct {
	// Hold: a retailer's hold was placed (Held) or refused, and why.
	Hold func(retailer exchange.ShopID, state hold.State, refusal exchange.Code)
}

// New makes the parts of a shop's trade and connects them. Open must follow.
func New(cfg Config) *Trade {
	base := &shop{
		me: cfg.Shop, store: cfg.Store, codec: cfg.Codec, signer: cfg.Signer, verifier: cfg.Verifier, network: cfg.Network,
		clock: cfg.Clock, members: cfg.Members, writer: cfg.Writer, events: cfg.Events, random: cfg.Random, log: cfg.Logger,
	}
	p := &Partnerships{shop: base, feed: cfg.Feed, currency: cfg.Shelf.Currency(), proposals: proposalsQuota()}
	l := &Ledgers{shop: base, selling: cfg.Selling, feed: cfg.Feed, strangers: strangersQuota(), requests: requestsQuota()}
	o := &Orders{shop: base}
	s := &Supplier{
		holdings: holdings{shop: base, shelf: cfg.Shelf}, selling: cfg.Selling, ended: make(map[ledger.ID]ending), refused: refusedHoldsQuota(), released: make(releasedHolds),
		holdExpiry: expiryIndex{prefix: record.PrefixHoldExpiry}, orderExpiry: expiryIndex{prefix: record.PrefixOrderExpiry},
	}
	s.due = s.noteExpiry
	s.bridged = newBridged(base, cfg.Bridge)
	s.bridged.supplier, s.bridged.orders, s.bridged.ledgers = s, o, l
	own := &OwnSales{shop: base, selling: cfg.Selling, holds: &s.holdings, policy: &s.policy}
	r := &Retailer{shop: base, selling: cfg.Selling}
	k := newBaskets(base, r, s, o, own, cfg.Selling)
	s.baskets, own.baskets, r.baskets, o.baskets = k, k, k, k
	send := newSender(base, p, l)
	p.ledgers, p.supplier = l, s
	l.partnerships, l.orders, l.supplier, l.retailer, l.sender = p, o, s, r, send
	o.partnerships, o.ledgers, o.supplier, o.retailer, o.own = p, l, s, r, own
	s.partnerships, s.ledgers, s.orders = p, l, o
	r.partnerships, r.ledgers, r.orders, r.sender = p, l, o, send
	p.view.init()
	r.notices.init()
	r.asker = newAsker(base, r, send)
	send.asker = r.asker
	s.policy.Store(&Policy{})
	p.makeTables()
	l.makeTables()
	o.makeTables()
	s.makeTables()
	r.makeTables()
	own.makeTables()
	s.bridged.makeTables()
	k.makeTables()
	cfg.Writer.SetDue(s)
	return &Trade{Partnerships: p, Ledgers: l, Orders: o, Supplier: s, Retailer: r, Own: own, Bridged: s.bridged, Baskets: k}
}

// Open verifies the ledgers in the store and loads what is kept in memory of partners. It
// starts nothing.
func (t *Trade) Open(ctx context.Context) error {
	t.Ledgers.start.init(t.Ledgers.clock.Now(), t.Ledgers.selling.Written())
	if err := t.Ledgers.open(); err != nil {
		return err
	}
	if err := t.Bridged.open(); err != nil {
		return err
	}
	if err := t.Baskets.load(); err != nil {
		return err
	}
	if t.Ledgers.writer.Inline() {
		return t.Retailer.listNotices(ctx)
	}
	return nil
}

// Run sends, expires and prunes until ctx ends.
func (t *Trade) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { t.Ledgers.sender.run(ctx) })
	work.Go(func() { t.runJanitor(ctx) })
	work.Go(func() { t.Retailer.runNotices(ctx) })
	work.Go(func() { t.Retailer.asker.run(ctx) })
	work.Go(func() { t.Bridged.run(ctx) })
	work.Go(func() { t.Bridged.runPolls(ctx) })
	work.Go(func() { t.Baskets.run(ctx) })
	work.Wait()
}

// Outgoing takes the messages to partners that are due now, and says when to ask again
// (0 = when woken). While [Trade.Run] runs, it sends them itself.
func (l *Ledgers) Outgoing() (list []Outgoing, next exchange.Time) { return l.sender.outgoing() }

// SetPolicy replaces the policy for requests from now on.
func (s *Supplier) SetPolicy(p Policy) error {
	if err := p.Shipping.Check(); err != nil {
		return err
	}
	s.policy.Store(&p)
	return nil
}

// SetMeter has m called from now on.
func (s *Supplier) SetMeter(m Meter) { s.meter.Store(&m) }
