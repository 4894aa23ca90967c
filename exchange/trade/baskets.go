package trade

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/exchange/writer"
)

// Baskets are what this shop holds, orders and gives back as one: reservations at its suppliers,
// and one of its own products (package basket has the machine). A part is a reservation as any
// other, and whatever happens to it the basket is told in the same commit (baskets_turn.go).
type Baskets struct {
	*shop
	retailer *Retailer
	supplier *Supplier
	orders   *Orders
	own      *OwnSales
	selling  *Selling

	rows *writer.Table[exchange.BasketID, *record.Basket]
	open openBaskets // writer's turn only

	calls basketCalls
	count atomic.Int64 // of open
	stir  wake.Signal

	// asksFirst has suppliers asked before the intent is committed, at a desk that runs inline: a
	// simulation sees both orders of what a running desk does at once.
	asksFirst bool
}

func newBaskets(base *shop, r *Retailer, s *Supplier, o *Orders, own *OwnSales, selling *Selling) *Baskets {
	return &Baskets{
		shop: base, retailer: r, supplier: s, orders: o, own: own, selling: selling, stir: wake.New(),
		open:  openBaskets{parts: make(map[exchange.HoldID]exchange.BasketID), of: make(map[exchange.BasketID]*openBasket)},
		calls: newBasketCalls(),
	}
}

func (k *Baskets) makeTables() {
	k.rows = writer.NewTable(k.writer, writer.Rows[exchange.BasketID, *record.Basket]{
		Key:    record.BasketKey,
		Decode: func(raw []byte) (*record.Basket, error) { return record.Decode[record.Basket](k.codec, raw) },
		Encode: func(rec *record.Basket) ([]byte, error) { return record.Encode(k.codec, rec) },
		Size:   func(_ exchange.BasketID, rec *record.Basket) int { return rec.Size() },
	})
}

// BasketRequest asks for products of several shops, this one among them.
type BasketRequest struct {
	Parts    []BasketPart  // 1 to basket.MaxParts, one for each shop
	Country  string        // ship-to; may be empty where all products are this shop's own
	Partial  bool          // keep what can be had; else all or none
	Lifetime time.Duration // 0 = of each part as a reservation without one has
	// Key makes a repeat of the request find the same basket, for 24 hours and across crashes; zero =
	// each request makes a new one. It must be a secret's digest.
	Key ReservationKey
}

// BasketPart is what is asked of one shop.
type BasketPart struct {
	Supplier exchange.ShopID // may be this shop
	Lines    exchange.Lines
}

// BasketError is why a basket was not held: the code and words of the part that says most, every
// line that is short, and the basket, whose parts say why each was not had.
type BasketError struct {
	Why    *exchange.Error
	Basket *Basket
}

func (e *BasketError) Error() string { return e.Why.Error() }
func (e *BasketError) Unwrap() error { return e.Why }

// graceAfterNo is how long the other suppliers may answer after one has said no to a basket of all or
// none: their lines that are short are told with its. They were asked at the same time.
const graceAfterNo = time.Second

// Hold holds at all suppliers of a request at once. The basket is durable here, and each part at its
// supplier, when Hold returns: one round trip, and one commit of the slowest.
//
// Where a basket of all or none cannot be held, nothing of it is kept, and the error is a
// [BasketError]: a refusal's code, CodeInsufficient where anything is short, or CodeUnavailable
// where suppliers have only been silent. What may be held is given back until every supplier has
// answered. A repeat with the same key returns the basket as it stands; with another content it is
// CodeConflict.
func (k *Baskets) Hold(ctx context.Context, req BasketRequest) (*Basket, error) {
	if err := k.check(req); err != nil {
		return nil, err
	}
	secret, err := k.own.tail(req.Key)
	if err != nil {
		return nil, err
	}
	tail := part12(secret, "basket", exchange.ShopID{})
	leave, err := k.calls.enter(ctx, exchange.NewHoldID(0, tail))
	if err != nil {
		return nil, err
	}
	defer leave()
	rec, err := k.before(req, tail)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		rec = &record.Basket{ID: exchange.NewHoldID(exchange.WindowAt(max(k.clock.Now(), 0)), tail), Country: req.Country, Content: req.content()}
	} else if rec.Content != req.content() {
		return nil, exchange.Errorf(exchange.CodeConflict, "this key came before with another basket; use a new key for a new wish")
	} else if rec.State != basket.Holding {
		return k.held(rec)
	}
	asks, err := k.asks(ctx, req, rec, secret)
	if err != nil {
		return nil, err
	}
	return k.hold(ctx, req, rec, asks)
}

// check refuses a request before anybody is asked.
func (k *Baskets) check(req BasketRequest) error {
	var parts []basket.Part
	for _, p := range req.Parts {
		if p.Lines.IsZero() {
			return exchange.Errorf(exchange.CodeInvalid, "a part of a basket has lines")
		}
		if req.Country == "" && p.Supplier != k.me {
			return exchange.Errorf(exchange.CodeInvalid, "country is missing; it says where the goods will go")
		}
		parts = append(parts, basket.Part{Supplier: p.Supplier, Lines: p.Lines, State: basket.PartAsked})
	}
	if req.Country != "" {
		if err := exchange.CheckCountry(req.Country); err != nil {
			return err
		}
	}
	_, _, err := basket.Step(basket.Basket{}, basket.Begin{Parts: parts}, 1)
	return err
}

// content is a digest of what a request asks for.
func (req *BasketRequest) content() (sum [32]byte) {
	h := sha256.New()
	text := func(s string) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	number := func(n int64) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	text("souk/basket/1")
	text(req.Country)
	number(req.Lifetime.Milliseconds())
	number(map[bool]int64{true: 1}[req.Partial])
	for _, p := range req.Parts {
		text(string(p.Supplier[:]))
		number(int64(p.Lines.Len()))
		for _, l := range p.Lines.All() {
			text(string(l.SKU))
			number(int64(l.Quantity))
		}
	}
	h.Sum(sum[:0])
	return sum
}

// part12 is a part of an id that follows from a caller's secret and tells nothing of it.
func part12(secret [12]byte, what string, supplier exchange.ShopID) (tail [12]byte) {
	sum := sha256.Sum256(slices.Concat([]byte("souk/basket/1 "+what+" "), secret[:], supplier[:]))
	copy(tail[:], sum[:])
	return tail
}

// before is the basket that was made under a key within keyedFor; nil where none was.
func (k *Baskets) before(req BasketRequest, tail [12]byte) (*record.Basket, error) {
	if req.Key == (ReservationKey{}) {
		return nil, nil
	}
	now := k.clock.Now()
	w := exchange.WindowAt(max(now, 0))
	for _, w := range []exchange.Window{w + 1, w, max(w, 1) - 1} { // the clock may have fallen back
		rec, err := record.Get[record.Basket](k.store, k.codec, record.BasketKey(exchange.NewHoldID(w, tail)))
		if err != nil || rec != nil && now.Sub(rec.Began) <= keyedFor {
			return rec, err
		}
	}
	return nil, nil
}

// basketAsk is what is asked of one supplier.
type basketAsk struct {
	part basket.Part // as the basket begins
	req  ReserveRequest
	// fresh says that this shop cannot have asked for the hold before.
	fresh bool
}

// asks makes the parts of a basket that begins, or of one that a crash has left HOLDING. Where a
// supplier cannot be asked at all, its part begins refused. Suppliers' windows are awaited together.
func (k *Baskets) asks(ctx context.Context, req BasketRequest, rec *record.Basket, secret [12]byte) ([]basketAsk, error) {
	asks := make([]basketAsk, len(req.Parts))
	errs := make([]error, len(req.Parts))
	var all sync.WaitGroup
	for i, p := range req.Parts {
		a := &asks[i]
		a.req = ReserveRequest{Supplier: p.Supplier, Lines: p.Lines, Country: req.Country, Lifetime: req.Lifetime}
		if rec.State == basket.Holding {
			a.part = rec.Parts[i]
			a.req.ID = a.part.Hold
			continue
		}
		a.part = basket.Part{Supplier: p.Supplier, Lines: p.Lines, State: basket.PartAsked}
		if p.Supplier == k.me {
			a.part.Hold = exchange.NewHoldID(rec.ID.Window(), part12(secret, "hold", k.me))
			continue
		}
		prepare := func() { errs[i] = k.prepare(ctx, a, part12(secret, "hold", p.Supplier), req.Key != ReservationKey{}) }
		if k.writer.Inline() {
			prepare()
		} else {
			all.Go(prepare)
		}
	}
	all.Wait()
	return asks, errors.Join(errs...)
}

// prepare finds the id of the hold that a part asks for. An error refuses the whole basket.
func (k *Baskets) prepare(ctx context.Context, a *basketAsk, tail [12]byte, keyed bool) error {
	r := k.retailer
	err := r.checkReserve(a.req)
	if exchange.CodeOf(err) == exchange.CodeInvalid || exchange.CodeOf(err) == exchange.CodeInternal {
		return err
	}
	var w wish
	if err == nil {
		ask := a.req
		ask.Key = tail
		w, err = r.wishOf(ctx, ask)
	}
	if err != nil {
		if code := exchange.CodeOf(err); code == exchange.CodeOK || code == exchange.CodeInternal {
			return err
		}
		a.part.State, a.part.Refusal, a.part.Detail = basket.PartRefused, exchange.CodeOf(err), exchange.Clip(err.Error(), exchange.MaxText)
		return nil
	}
	a.part.Hold, a.req.ID = w.id, w.id
	a.fresh = w.known == nil && (!keyed || !r.ledgers.mayHaveAsked(w.id.Window()))
	a.part.Expires = k.clock.Now().Add(r.lifetime(a.req, w))
	return nil
}

// partAnswer is what became of one ask.
type partAnswer struct {
	part int
	err  error
}

// hold asks all suppliers and commits the basket's beginning at the same time.
func (k *Baskets) hold(ctx context.Context, req BasketRequest, rec *record.Basket, asks []basketAsk) (*Basket, error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	k.calls.setAsking(rec.ID, true)
	begun := make(chan error, 1)
	answers := make(chan partAnswer, len(asks))
	ask := func(i int) {
		var err error
		if asks[i].part.Supplier == k.me {
			_, err = k.own.confirmed(asking, asks[i].part.Hold)
		} else {
			_, err = k.retailer.Reserve(asking, asks[i].req)
		}
		answers <- partAnswer{i, err}
	}
	asked := 0
	own := slices.IndexFunc(asks, func(a basketAsk) bool { return a.part.Supplier == k.me && a.part.State == basket.PartAsked })
	if own >= 0 && k.own.holds.bridged.On() {
		asked++
	} else {
		own = -1
	}
	begin := func() {
		err := k.begin(ctx, req, rec, asks)
		begun <- err
		switch {
		case own < 0:
		case err == nil:
			ask(own) // the beginning has asked the shop's own system
		default:
			answers <- partAnswer{own, err}
		}
	}
	start := func(f func()) { go f() }
	if k.writer.Inline() {
		start = func(f func()) { f() }
	}
	if !k.asksFirst {
		start(begin)
	}
	for i := range asks {
		if asks[i].part.State == basket.PartAsked && asks[i].part.Supplier != k.me {
			asked++
			start(func() { ask(i) })
		}
	}
	if k.asksFirst {
		start(begin)
	}
	errs, failed := k.collect(stop, req.Partial, asks, asked, begun, answers)
	k.calls.setAsking(rec.ID, false)
	if failed != nil {
		k.takeBack(ctx, asks, errs)
		return nil, failed
	}
	return k.conclude(ctx, rec.ID, asks, errs)
}

// collect waits for all answers and for the basket's beginning. After the first no to a basket of
// all or none it waits graceAfterNo for the others. failed is why the basket has not begun.
func (k *Baskets) collect(stop func(), partial bool, asks []basketAsk, asked int, begun <-chan error, answers <-chan partAnswer) (errs []error, failed error) {
	errs = make([]error, len(asks))
	var grace *time.Timer
	no := func() {
		if !partial && grace == nil && !k.writer.Inline() {
			grace = time.AfterFunc(graceAfterNo, stop)
		}
	}
	for i := range asks {
		if asks[i].part.State == basket.PartRefused {
			no()
		}
	}
	for wait := true; wait || asked > 0; {
		select {
		case err := <-begun:
			wait = false
			if failed = err; failed != nil {
				stop()
			}
		case a := <-answers:
			asked--
			if errs[a.part] = a.err; a.err != nil && !errors.Is(a.err, ErrUnanswered) {
				no()
			}
		}
	}
	if grace != nil {
		grace.Stop()
	}
	return errs, failed
}

// begin commits a basket's beginning, and with it the hold of the shop's own products.
func (k *Baskets) begin(ctx context.Context, req BasketRequest, rec *record.Basket, asks []basketAsk) error {
	if rec.State == basket.Holding {
		return nil
	}
	return k.writer.Do(ctx, func(b *writer.Batch) error {
		if len(k.open.parts)+len(asks) > maxOpenParts {
			return exchange.Errorf(exchange.CodeLimit, "%d reservations are parts of open baskets, the most there can be; order or release some", len(k.open.parts))
		}
		parts := make([]basket.Part, len(asks))
		for i := range asks {
			parts[i] = asks[i].part
			if parts[i].Supplier == k.me {
				if err := k.holdOwn(b, req, &parts[i]); err != nil {
					return err
				}
			}
		}
		begun := *rec
		var err error
		if begun.Basket, _, err = basket.Step(basket.Basket{}, basket.Begin{Parts: parts, Partial: req.Partial}, b.Now()); err != nil {
			return err
		}
		// What follows from a no at once is left to conclude: the suppliers are being asked.
		if begun.State == basket.Releasing || begun.State == basket.Refused {
			begun.Basket = basket.Basket{State: basket.Holding, Parts: parts, Partial: req.Partial, Began: b.Now()}
		}
		k.set(b, &begun, basket.None)
		return nil
	})
}

// holdOwn holds the shop's own part.
func (k *Baskets) holdOwn(b *writer.Batch, req BasketRequest, p *basket.Part) error {
	var held *heldRecord
	err := b.Attempt(func(b *writer.Batch) (err error) {
		if err := k.selling.mayAct(); err != nil {
			return err
		}
		held, err = k.own.hold(b, p.Hold, OwnRequest{Lines: p.Lines, Country: req.Country, Lifetime: req.Lifetime})
		return err
	})
	switch code := exchange.CodeOf(err); code {
	case exchange.CodeOK:
		p.Expires = held.Hold.Expires
		if held.Hold.State == hold.Held {
			p.State = basket.PartHeld
		}
	case exchange.CodeInternal:
		return err
	default:
		p.State, p.Refusal, p.Detail, p.Short = basket.PartRefused, code, exchange.Clip(err.Error(), exchange.MaxText), exchange.ShortLines(err)
	}
	return nil
}

// conclude says what has become of a basket whose suppliers have been asked. One that is held needs
// no commit: its parts' records are pending. Else what follows from a no, or from silence, is
// committed.
func (k *Baskets) conclude(ctx context.Context, id exchange.BasketID, asks []basketAsk, errs []error) (*Basket, error) {
	now, err := k.standing(id)
	if err != nil {
		return nil, err
	}
	if now.State.IsHeld() {
		k.writer.WriteBehind(func(b *writer.Batch) error { return k.refreshed(b, id) }, nil) // else it is found out when it is needed
		return k.held(now)
	}
	var rec *record.Basket
	err = k.writer.Do(context.WithoutCancel(ctx), func(b *writer.Batch) error {
		if rec, err = k.get(b, id); err != nil || rec == nil {
			return err
		}
		for i := range asks {
			p := &rec.Parts[i]
			if errs[i] == nil || p.Supplier != k.me || p.State != basket.PartAsked {
				continue
			}
			code, err := k.own.declined(b, p.Hold) // the hold has the code alone
			if err == nil && code != exchange.CodeOK {
				err = k.step(b, rec, basket.Refuse{Part: i, Code: code, Detail: exchange.Clip(errs[i].Error(), exchange.MaxText), Short: exchange.ShortLines(errs[i])})
			}
			if err != nil {
				return err
			}
		}
		if err := k.refresh(b, rec); err != nil {
			return err
		}
		for i := range asks {
			if err := k.refuse(b, rec, i, &asks[i], errs[i]); err != nil {
				return err
			}
		}
		return k.step(b, rec, basket.GiveUp{})
	})
	if err != nil || rec == nil {
		k.calls.abandon(id)
		k.stir.Set()
		return nil, err
	}
	return k.held(rec)
}

// refuse notes why a part is not held that no record tells of. It is sure that nothing is, and will be,
// where the supplier was never asked, or can take no such request; else it is given back all the same.
func (k *Baskets) refuse(b *writer.Batch, rec *record.Basket, i int, a *basketAsk, why error) error {
	if a.part.Supplier == k.me { // its hold says it
		return nil
	}
	if s := rec.Parts[i].State; why == nil || s != basket.PartAsked && s != basket.PartReturning || errors.Is(why, ErrUnanswered) {
		return nil
	}
	code := exchange.CodeOf(why)
	sure := false
	switch code {
	case exchange.CodeNoPartnership, exchange.CodeNotMember, exchange.CodeVersion, exchange.CodeTooOld:
		sure = true
	default:
		sure = a.fresh && errors.Is(why, message.ErrNotAsked)
	}
	if sure {
		res, err := k.reservation(b, &rec.Parts[i])
		if err != nil {
			return err
		}
		sure = res == nil || res.State == hold.None && rec.Parts[i].State == basket.PartReturning && len(res.Raw) == 0 // else an attempt before may arrive
	}
	return k.step(b, rec, basket.Refuse{Part: i, Code: code, Detail: exchange.Clip(why.Error(), exchange.MaxText), Short: exchange.ShortLines(why), Unsure: !sure})
}

// takeBack gives back what was asked for of a basket that could not begin.
func (k *Baskets) takeBack(ctx context.Context, asks []basketAsk, errs []error) {
	for i := range asks {
		a := &asks[i]
		if a.part.Supplier == k.me || a.part.State != basket.PartAsked || errors.Is(errs[i], message.ErrNotAsked) && a.fresh {
			continue
		}
		res, err := k.retailer.asker.latest(a.part.Hold)
		if err != nil {
			k.log.Error("a part of a basket that could not begin is not given back", "supplier", a.part.Supplier, "hold", a.part.Hold, "err", err)
			continue
		}
		if res == nil {
			res = &record.Reservation{Supplier: a.part.Supplier, Created: k.clock.Now()}
			res.Request.ID, res.Request.Lines, res.Request.Country = a.part.Hold, a.req.Lines, a.req.Country
		}
		if res.State != hold.None && res.State != hold.Held {
			continue
		}
		res.ReleaseAt, res.ExtendTo, res.Left = max(k.clock.Now(), 1), 0, false
		k.retailer.asker.takeOver(ctx, *res)
	}
}

// held is a basket as it stands, with the error of one that is not held.
func (k *Baskets) held(rec *record.Basket) (*Basket, error) {
	now, err := k.show(rec)
	if err != nil {
		return nil, err
	}
	if rec.State == basket.Refused || rec.State == basket.Releasing && rec.End == basket.Refused {
		return now, &BasketError{whyNot(rec), now}
	}
	return now, nil
}
