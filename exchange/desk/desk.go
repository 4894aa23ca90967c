package desk

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Config is what a Desk is made of. Everything without "optional" is required.
type Config struct {
	Store    kv.Store
	Codec    message.Codec
	Signer   message.Signer
	Verifier message.Verifier
	Network  message.Network
	Clock    exchange.Clock
	Members  Members
	Random   io.Reader // hold ids and salts; crypto/rand in production
	Limits   kv.Limits // optional; of the store
	Policy   Policy
	Currency exchange.Currency // the shop's own
	Logger   *slog.Logger      // optional
	// Show writes amounts in texts for people: how many decimals a currency has is not
	// known here. Optional: exchange.Money's own form.
	Show func(exchange.Money) string

	// Inline makes every operation a batch of its own, run by its caller: for
	// single-goroutine simulations. Run must not be called then.
	Inline bool
}

// Policy is how the shop answers as a supplier. It may be replaced while the
// desk runs (SetPolicy).
type Policy struct {
	AcceptByHand bool // orders wait for the owner; else they are accepted as they come
	Shipping     exchange.ShippingTable
	Tax          exchange.Tax
	Rate         exchange.Rate // newest US dollar rate of the shop's currency
}

// Desk is a shop's state and everything that may be done with it. Its methods
// are safe for concurrent use. A Desk that runs inline is for one goroutine.
type Desk struct {
	me       exchange.ShopID
	store    kv.Store
	codec    message.Codec
	signer   message.Signer
	verifier message.Verifier
	network  message.Network
	clock    exchange.Clock
	members  Members
	limits   kv.Limits
	currency exchange.Currency
	log      *slog.Logger
	show     func(exchange.Money) string
	inline   bool

	policy atomic.Pointer[Policy]
	random struct {
		sync.Mutex
		io.Reader
	}

	// Owned by the writer's turn.
	meta                    record.Meta
	nextExpiry              exchange.Time // nothing of ours expires before it
	holdExpiry, orderExpiry expiryIndex
	ended                   map[ledger.ID]ending // partnerships whose holds are being released
	records                 recordCache
	quotas                  quotas
	feed                    *feedState

	writer  writer
	stopped chan struct{}          // closed when the writer has returned
	selling atomic.Pointer[string] // why selling is stopped; nil = it is not

	courier  courier
	gone     goneShops
	resumed  resumed
	recent   recentReservations
	lapses   lapses
	partners partnerView
	watch    watchers
	news     news
	meter    atomic.Pointer[Meter]
}

// Meter is told what the hot path does, for metrics; its functions are called
// from many goroutines, must be quick, and may be nil.
type Meter struct {
	Batch func(operations int) // a batch became durable
	// Hold: a retailer's hold was placed (Held) or refused, and why.
	Hold func(retailer exchange.ShopID, state hold.State, refusal exchange.Code)
}

// Open loads a shop's desk from its store and verifies its ledgers: every chain's
// entries are there, hash-linked, and end where the record says (Badger can lose a
// tail of its log to one flipped byte without an error). It starts nothing.
func Open(cfg Config) (*Desk, error) {
	d := &Desk{
		me: cfg.Signer.Shop(), store: cfg.Store, codec: cfg.Codec, signer: cfg.Signer, verifier: cfg.Verifier,
		network: cfg.Network, clock: cfg.Clock, members: cfg.Members, limits: cfg.Limits,
		currency: cfg.Currency, log: cfg.Logger, show: cfg.Show, inline: cfg.Inline,
		holdExpiry: expiryIndex{prefix: record.PrefixHoldExpiry}, orderExpiry: expiryIndex{prefix: record.PrefixOrderExpiry},
		ended: make(map[ledger.ID]ending), records: make(recordCache), quotas: newQuotas(), stopped: make(chan struct{}),
	}
	d.random.Reader = cfg.Random
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.show == nil {
		d.show = exchange.Money.String
	}
	if d.limits == (kv.Limits{}) {
		d.limits = kv.DefaultLimits
	}
	d.writer = writer{d: d, queue: make(chan *operation, 4*MaxBatchOps), idle: make(chan *operation, 4*MaxBatchOps)}
	d.courier.init(d)
	d.lapses.init()
	if err := d.SetPolicy(cfg.Policy); err != nil {
		return nil, err
	}
	raw, ok, err := d.store.Get(record.KeyMeta)
	if err != nil {
		return nil, err
	}
	if ok {
		v, err := d.codec.Decode(record.KindMeta, raw)
		if err != nil {
			return nil, err
		}
		d.meta = *v.(*record.Meta)
	}
	d.resumed.init(d.clock.Now(), d.meta.Written)
	if d.meta.Stopped != "" {
		d.selling.Store(&d.meta.Stopped)
	}
	if err := d.openChains(); err != nil {
		return nil, err
	}
	if err := d.openFeed(); err != nil {
		return nil, err
	}
	d.alarmClock()
	if d.inline {
		return d, d.listLapses(context.Background())
	}
	return d, nil
}

// Shop is the shop this desk belongs to.
func (d *Desk) Shop() exchange.ShopID { return d.me }

// Currency is the shop's own.
func (d *Desk) Currency() exchange.Currency { return d.currency }

// SetPolicy replaces the policy for requests from now on.
func (d *Desk) SetPolicy(p Policy) error {
	if err := p.Shipping.Check(); err != nil {
		return err
	}
	d.policy.Store(&p)
	return nil
}

// amount writes an amount in a text for people.
func (d *Desk) amount(minor int64, c exchange.Currency) string {
	return d.show(exchange.Money{Minor: minor, Currency: c})
}

// SetMeter tells m of what happens from now on.
func (d *Desk) SetMeter(m Meter) { d.meter.Store(&m) }

func (d *Desk) batchSize(operations int) {
	if m := d.meter.Load(); m != nil && m.Batch != nil {
		m.Batch(operations)
	}
}

// Run writes, expires, sends and publishes until ctx ends; then it finishes what
// is queued and returns nil. An error means that a commit failed and its outcome
// is unknown: the process must end and the shop be opened again.
func (d *Desk) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background sync.WaitGroup
	background.Go(func() { d.courier.run(ctx) })
	background.Go(func() { d.runPublisher(ctx) })
	background.Go(func() { d.runJanitor(ctx) })
	background.Go(func() { d.runLapses(ctx) })
	// The writer outlives the others: what they brought in is still recorded.
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		<-ctx.Done()
		background.Wait()
		stop()
	}()
	err := d.writer.run(writing)
	close(d.stopped)
	cancel()
	background.Wait()
	return err
}

// Tick does what is due now at a desk that runs inline: expiry and housekeeping.
// Sends are taken with Outgoing, publishing with Publish.
func (d *Desk) Tick() error {
	err := d.writer.batch(nil)
	d.tellLapsed(context.Background())
	return err
}

// Stopped says why the shop has stopped selling, or "".
func (d *Desk) Stopped() string {
	if why := d.selling.Load(); why != nil {
		return *why
	}
	return ""
}

// stopSelling makes the shop refuse every hold from now on, durably, and enter
// nothing into its ledgers: their ends may be lost, and a second entry at a position
// would be a fork (design: Holds and orders, Restore). It stands even where the
// operation that found the reason fails.
func (d *Desk) stopSelling(b *batch, why string) {
	if d.meta.Stopped != "" {
		return
	}
	d.log.Error("selling stopped", "why", why)
	d.meta.Stopped = why
	d.selling.Store(&why)
	b.stopping = why
}

// randomBytes fills p. A failing source of randomness cannot be survived.
func (d *Desk) randomBytes(p []byte) error {
	d.random.Lock()
	defer d.random.Unlock()
	if _, err := io.ReadFull(d.random.Reader, p); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "no random bytes: %w", err)
	}
	return nil
}

// read decodes a committed record; nil where there is none.
func (d *Desk) read(k message.Kind, key []byte) (message.Value, error) {
	raw, ok, err := d.store.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	return d.codec.Decode(k, raw)
}

func (d *Desk) frame(v message.Value) ([]byte, error) { return message.Frame(d.codec, v) }

func (d *Desk) unframe(b []byte) (message.Value, error) { return message.Unframe(d.codec, b) }
