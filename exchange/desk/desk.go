package desk

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/feed"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/exchange/writer"
)

// Config is what a Desk is made of. Everything without "optional" is required.
type Config struct {
	Store    kv.Store
	Codec    message.Codec
	Signer   message.Signer
	Verifier message.Verifier
	Network  message.Network
	Clock    exchange.Clock
	Members  trade.Members
	Random   io.Reader // hold ids and salts; crypto/rand in production
	Limits   kv.Limits // optional; of the store
	Policy   trade.Policy
	Currency exchange.Currency // the shop's own
	Logger   *slog.Logger      // optional
	// Bridge, optional, is the shop's own system, where that has the authority over the stock.
	Bridge bridge.Bridge
	// Committed, optional, is told how many operations each durable batch had.
	Committed func(operations int)

	// Inline makes every operation a batch of its own, run by its caller: for
	// single-goroutine simulations. Run must not be called then.
	Inline bool
}

// Desk is a shop's use cases, by subject. Its parts are safe for concurrent use. A Desk
// that runs inline is for one goroutine.
type Desk struct {
	Writer       *writer.Writer
	Events       *event.Watchers
	Log          *event.Log
	Shelf        *shelf.Shelf
	Moves        shelf.Moves
	Feed         *feed.Feed
	Selling      *trade.Selling
	Partnerships *trade.Partnerships
	Ledgers      *trade.Ledgers
	Orders       *trade.Orders
	Supplier     *trade.Supplier
	Retailer     *trade.Retailer
	Own          *trade.OwnSales
	Bridged      *trade.Bridged
	Baskets      *trade.Baskets

	shop   exchange.ShopID
	log    *slog.Logger
	trade  *trade.Trade
	random entropy
}

// entropy is a source of random bytes for several goroutines.
type entropy struct {
	mu sync.Mutex
	io.Reader
}

// fill fills p. A failing source of randomness cannot be survived.
func (e *entropy) fill(p []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := io.ReadFull(e.Reader, p); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "no random bytes: %w", err)
	}
	return nil
}

// Open opens the parts of a shop on its store and verifies its ledgers: each ledger's entries
// are there, hash-linked, and end where the record says. (Badger can lose a tail of its log to
// one flipped byte without an error.) It starts nothing.
func Open(cfg Config) (*Desk, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits == (kv.Limits{}) {
		cfg.Limits = kv.DefaultLimits
	}
	d := &Desk{shop: cfg.Signer.Shop(), log: cfg.Logger, Events: event.NewWatchers(cfg.Clock, cfg.Inline)}
	d.random.Reader = cfg.Random
	var err error
	if d.Selling, err = trade.OpenSelling(cfg.Store, cfg.Codec, cfg.Clock, cfg.Logger); err != nil {
		return nil, err
	}
	if d.Log, err = event.OpenLog(event.LogConfig{
		Store: cfg.Store, Codec: cfg.Codec, Clock: cfg.Clock, Watchers: d.Events, Logger: cfg.Logger,
	}, d.Selling.Meta()); err != nil {
		return nil, err
	}
	d.compose(cfg)
	if err := d.SetPolicy(cfg.Policy); err != nil {
		return nil, err
	}
	if err := d.trade.Open(context.Background()); err != nil {
		return nil, err
	}
	if err := d.Feed.Open(); err != nil {
		return nil, err
	}
	if cfg.Inline { // else Run does
		return d, errors.Join(d.Moves.FinishLists(context.Background()), d.loadShortfalls(context.Background()))
	}
	return d, nil
}

// compose makes the parts and connects them.
func (d *Desk) compose(cfg Config) {
	d.Writer = writer.New(writer.Config{
		Store: cfg.Store, Signer: cfg.Signer, Clock: cfg.Clock, Limits: cfg.Limits, Last: d.Selling.Written(),
		Stamp: d.stamp, Apply: d.apply, Committed: cfg.Committed, Inline: cfg.Inline,
	})
	d.Log.Attach(d.Writer)
	d.Shelf = shelf.New(shelf.Config{
		Store: cfg.Store, Codec: cfg.Codec, Writer: d.Writer, Clock: cfg.Clock, Currency: cfg.Currency,
		Due:     func(at exchange.Time) { d.Supplier.DueAt(at) },
		Changed: func(b *writer.Batch, sku exchange.SKU) { d.Feed.Changed(b, sku) },
	})
	d.Moves = shelf.Moves{Shelf: d.Shelf}
	d.Feed = feed.New(feed.Config{
		Shop: d.shop, Store: cfg.Store, Codec: cfg.Codec, Signer: cfg.Signer, Verifier: cfg.Verifier, Writer: d.Writer,
		Shelf: d.Shelf, Selling: d.Selling, Random: d.random.fill, Logger: cfg.Logger,
		MayRead: func(shop exchange.ShopID) bool { return d.Partnerships.MayReadFeed(shop) },
	})
	d.trade = trade.New(trade.Config{
		Shop: d.shop, Store: cfg.Store, Codec: cfg.Codec, Signer: cfg.Signer, Verifier: cfg.Verifier, Network: cfg.Network,
		Clock: cfg.Clock, Members: cfg.Members, Writer: d.Writer, Shelf: d.Shelf, Feed: d.Feed, Selling: d.Selling,
		Events: d.Events, Random: d.random.fill, Logger: cfg.Logger, Bridge: cfg.Bridge,
	})
	d.Partnerships, d.Ledgers, d.Orders = d.trade.Partnerships, d.trade.Ledgers, d.trade.Orders
	d.Supplier, d.Retailer = d.trade.Supplier, d.trade.Retailer
	d.Own, d.Bridged, d.Baskets = d.trade.Own, d.trade.Bridged, d.trade.Baskets
}

// apply hands an effect of a durable batch to the part that it belongs to.
func (d *Desk) apply(at exchange.Time, e writer.Effect) {
	if d.applyStock(e) {
		return
	}
	if !d.trade.Apply(at, e) && !d.Feed.Apply(e) && !d.Log.Apply(e) {
		panic("desk: an effect that no part does")
	}
}

// stamp adds to a batch what every commit carries: what it tells the event log, and the writer's
// time.
func (d *Desk) stamp(b *writer.Batch) error {
	if err := d.tellShelf(b); err != nil {
		return err
	}
	return d.Selling.Stamp(b, func(meta *record.Meta) error { return d.Log.Stamp(b, meta) })
}

// Shop is the shop this desk belongs to.
func (d *Desk) Shop() exchange.ShopID { return d.shop }

// SetPolicy replaces the policy for requests from now on.
func (d *Desk) SetPolicy(p trade.Policy) error {
	if err := d.Supplier.SetPolicy(p); err != nil {
		return err
	}
	d.Shelf.SetRate(p.Rate)
	d.Shelf.Bounds.SetDefaults(p.Keep, p.Share)
	return nil
}

// Serve answers one request of the trade protocol. raw is the framed request; the connection
// has proven that from sent it. An error that is an *exchange.Error is for the partner.
func (d *Desk) Serve(ctx context.Context, from exchange.ShopID, raw []byte) ([]byte, error) {
	return d.trade.Serve(ctx, from, raw)
}

// Run writes, expires, sends and publishes until ctx ends; then it finishes what
// is queued and returns nil. An error means that a commit failed and its outcome
// is unknown: the process must end and the shop be opened again.
func (d *Desk) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background sync.WaitGroup
	background.Go(func() { // first, so that it is queued before others
		if err := d.Moves.FinishLists(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("carrying out movements that were taken before this start; the next start does it", "err", err)
		}
	})
	background.Go(func() { d.trade.Run(ctx) })
	background.Go(func() { d.Feed.Run(ctx) })
	background.Go(func() { d.Log.Run(ctx) })
	background.Go(func() {
		if err := d.loadShortfalls(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("reading the shortfalls; those of before this start are not shown", "err", err)
		}
	})
	background.Go(func() {
		if err := d.Shelf.Bounds.Republish(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("partners are not told of the units that are kept back now; the next start tries again", "err", err)
		}
	})
	// The writer outlives the other goroutines, so that their last operations are still committed.
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		<-ctx.Done()
		background.Wait()
		stop()
	}()
	err := d.Writer.Run(writing)
	cancel()
	background.Wait()
	return err
}

// Tick does what is due now at a desk that runs inline: expiry and housekeeping.
// Sends are taken with Outgoing, publishing with Feed.Publish.
func (d *Desk) Tick() error {
	err := d.Writer.Tick()
	d.Retailer.NotifyExpired(context.Background())
	if _, looked := d.Baskets.Look(context.Background()); err == nil {
		err = looked
	}
	return err
}

// Prune deletes some of the old records of holds, reservations and movements' ids, and old events,
// and reports whether there may be more. [Desk.Run] does it every hour.
func (d *Desk) Prune(ctx context.Context) (more bool, err error) {
	if more, err = d.trade.Prune(ctx); err != nil || more {
		return more, err
	}
	if err := d.Moves.PruneTold(ctx); err != nil {
		return false, err
	}
	return d.Log.Prune(ctx)
}

// Outgoing takes the messages to partners that are due now, and says when to ask again
// (0 = when woken). A running desk sends them itself.
func (d *Desk) Outgoing() (list []trade.Outgoing, next exchange.Time) { return d.Ledgers.Outgoing() }
