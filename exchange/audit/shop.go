package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Check is a check of one shop's store, which nothing writes meanwhile.
type Check struct {
	Shop  exchange.ShopID
	Store kv.Store
	Codec message.Codec
	// Verifier is nil where no signature can be verified: then Run does what Counts does.
	Verifier message.Verifier
	// Name names a shop in faults and findings; nil = by the end of its ID.
	Name func(exchange.ShopID) string
	// Progress, where it is set, is told now and then how far the check is.
	Progress func(Count)
}

// tellEvery is the number of rows between two calls of Progress: some 10 ms of verifying.
const tellEvery = 100

// Count is how much was checked.
type Count struct {
	Rows         int `json:"rows"` // all rows that were read
	Products     int `json:"products"`
	Holds        int `json:"holds"`
	Reservations int `json:"reservations"`
	Sales        int `json:"orders_sold"`
	Purchases    int `json:"orders_bought"`
	Own          int `json:"own_sales"`
	Baskets      int `json:"baskets"`
	Ledgers      int `json:"ledgers"`
	Entries      int `json:"entries"`
	Replayed     int `json:"ledgers_replayed"`
}

// Report is what a check found.
type Report struct {
	Count    Count
	Faults   []*Fault // by place
	Findings []Finding
}

// Run reads the shop's whole store, verifies every signature in its ledgers, holds and
// reservations, replays the ledgers and compares the outcome with the records. A record that
// cannot be read is a fault, and the check goes on. The error is the store's or ctx's, never
// about the books.
func (c Check) Run(ctx context.Context) (*Books, *Report, error) {
	b := newBooks(c)
	f := b.place()
	rows, replayed := 0, 0
	tell := func() error {
		if c.Progress != nil {
			c.Progress(b.count(rows, replayed))
		}
		return ctx.Err()
	}
	everything := []kv.Range{{}}
	if c.Verifier == nil {
		everything = counted
	}
	err := b.read(c.Store, f, everything, func() error {
		if rows++; rows%tellEvery != 0 {
			return nil
		}
		return tell()
	})
	if err != nil {
		return nil, nil, err
	}
	if c.Verifier == nil {
		b.counts(f)
		return b, &Report{b.count(rows, replayed), f.sorted(), f.sortedFindings()}, nil
	}
	b.checkBooks(f)
	for _, id := range b.ledgerIDs() {
		b.checkLedger(f.at("%s", ledgerIn{b.name, id}), id, b.Ledgers[id])
		replayed++
		if err := tell(); err != nil {
			return nil, nil, err
		}
	}
	b.findings(f)
	return b, &Report{b.count(rows, replayed), f.sorted(), f.sortedFindings()}, nil
}

func (b *Books) count(rows, replayed int) Count {
	n := Count{
		Rows: rows, Replayed: replayed, Products: len(b.Products), Holds: len(b.Holds), Reservations: len(b.Reservations),
		Sales: len(b.Sales), Purchases: len(b.Purchases), Own: len(b.Own), Baskets: len(b.Baskets), Ledgers: len(b.Ledgers),
	}
	for _, c := range b.Ledgers {
		n.Entries += len(c.Entries)
	}
	return n
}

// ledgerIDs are the ids of all ledgers in a fixed order.
func (b *Books) ledgerIDs() []ledger.ID {
	return slices.SortedFunc(maps.Keys(b.Ledgers), func(x, y ledger.ID) int {
		return cmp.Or(slices.Compare(x.Supplier[:], y.Supplier[:]), slices.Compare(x.Retailer[:], y.Retailer[:]))
	})
}

// Shop is Check.Run for tests: its error is all faults. With faults, too, it returns the
// books, as far as they could be read.
func Shop(shop exchange.ShopID, store kv.Store, codec message.Codec, verifier message.Verifier) (*Books, error) {
	b, report, err := Check{Shop: shop, Store: store, Codec: codec, Verifier: verifier}.Run(context.Background())
	if err == nil && len(report.Faults) > 0 {
		err = faultList(report.Faults)
	}
	return b, err
}

// checkBooks checks all but the ledgers.
func (b *Books) checkBooks(f notes) {
	b.counts(f)
	for k, h := range b.Holds {
		b.checkHold(f.at("hold %v of %s", k.ID, shopIn{b.name, k.Partner}), k, h)
	}
	for id, res := range b.Reservations {
		b.checkReservation(f.at("reservation %v at %s", id, shopIn{b.name, res.Supplier}), res)
	}
	for id, rec := range b.Baskets {
		b.checkBasket(f.at("basket %v", id), rec)
	}
	for k := range b.Sales {
		if b.Holds[k] == nil && b.keeps(k.ID) {
			f.at("order %v of %s", k.ID, b.name(k.Partner)).fault(OneEnd, "it has lost its hold")
		}
	}
	for k := range b.Purchases {
		if b.Ledgers[ledger.ID{Supplier: k.Partner, Retailer: b.Shop}] == nil {
			f.at("order %v at %s", k.ID, b.name(k.Partner)).fault(Ledgers, "it was bought outside every ledger")
		}
	}
	b.checkShipTo(f)
	if b.Meta.Written == 0 && len(b.Stock)+len(b.Ledgers) > 0 {
		f.fault(Records, "its own bookkeeping, which every commit writes, is missing")
	}
	b.checkProducts(f)
	b.checkJournals(f)
	b.checkEvents(f)
	b.checkBridge(f)
	if b.Feed != nil && len(b.Feed.Head.Payload) > 0 {
		if err := b.verifier.Verify(message.DomainFeed, b.Shop, b.Feed.Head.Payload, b.Feed.Head.Signature); err != nil {
			f.at("the head of its catalog").fault(Signed, "%v", err)
		}
	}
}

// checkProducts holds the products against their stock, and those that share one against its
// index.
func (b *Books) checkProducts(f notes) {
	for sku, id := range b.Products {
		f := f.at("product %s", sku)
		if _, ok := b.Stock[id]; !ok {
			f.fault(Records, "it has no stock record")
		}
		if id.Is(sku) {
			continue
		}
		row := string(id) + "\x00" + string(sku)
		if !b.sharing[row] {
			f.fault(Records, "it sells from the stock of %s, and the index does not say so", id)
		}
		delete(b.sharing, row)
	}
	for row := range b.sharing {
		f.fault(Records, "the index says that %q shares a stock, and the product does not", row)
	}
}

func (b *Books) checkShipTo(f notes) {
	bought := make(map[exchange.OrderID]*record.Order, len(b.Purchases))
	for k, o := range b.Purchases {
		bought[k.ID] = o
	}
	for k, to := range b.ShipTo {
		if to == nil {
			continue // a fault already
		}
		f := f.at("the address kept for order %v", k.ID)
		o := b.Sales[k]
		if k.Partner == b.Shop {
			o = bought[k.ID]
			if own := b.Own[k.ID]; own != nil {
				o = &own.Sale
			}
		}
		if o == nil {
			f.fault(Records, "there is no order for it")
			continue
		}
		if k.Partner == b.Shop && len(to.Raw) == 0 {
			continue // placed with a version that kept the salt alone
		}
		if sha256.Sum256(append(slices.Clone(to.Salt[:]), to.Raw...)) != o.ShipToHash {
			f.fault(Signed, "it is not the one that was signed")
		}
	}
}

// keeps reports whether the supplier must still have a hold's record: it may not have been
// pruned yet.
func (b *Books) keeps(id exchange.HoldID) bool {
	const day = exchange.Time(24 * time.Hour / time.Millisecond)
	return id.Window()+exchange.WindowsKept >= exchange.Window(b.Meta.Written/day)
}

// answer opens this shop's sealed answer about a hold; nil, and a fault, if it cannot.
func (b *Books) answer(f notes, k Key, sealed []byte) *message.HoldAnswer {
	payload, err := b.verifier.Open(b.Shop, sealed)
	if err != nil {
		f.fault(Signed, "its sealed answer does not open: %v", err)
		return nil
	}
	a, err := message.Decode[message.HoldAnswer](b.codec, payload)
	if err != nil {
		f.fault(Records, "its sealed answer is unreadable: %v", err)
		return nil
	}
	if a.Supplier != b.Shop || a.Retailer != k.Partner || a.Hold != k.ID {
		f.fault(Records, "its sealed answer is about another hold")
	}
	return a
}

func (b *Books) checkHold(f notes, k Key, h *record.Hold) {
	defer f.survive()
	if (h.Hold.State == hold.Refused) != (h.Hold.Refusal != exchange.CodeOK) {
		f.fault(OneEnd, "it is %v for reason %v", h.Hold.State, h.Hold.Refusal)
	}
	if ended := h.Hold.State.Terminal(); ended != (h.Hold.Ended != 0) {
		f.fault(OneEnd, "it is %v and ended %v", h.Hold.State, h.Hold.Ended)
	}
	if answered := h.Hold.State != hold.Asked && h.Request != [32]byte{}; (h.Placed != nil) != answered {
		f.fault(Records, "it has a placing request without an answer, or an answer without a request")
	}
	if k.Partner == b.Shop {
		if h.Own == nil && !h.Hold.Lines.IsZero() || h.Own != nil && !h.Own.Prices(h.Hold.Lines) {
			f.fault(Price, "its quote is not of what it holds")
		}
	}
	if h.Placed != nil {
		if a := b.answer(f, k, h.Placed); a != nil {
			b.checkPlaced(f, k, h, a)
		}
	}
	if h.Latest != nil {
		if a := b.answer(f, k, h.Latest); a != nil && a.Request != h.LatestRequest {
			f.fault(Records, "its latest answer is to another request")
		}
	}
}

func (b *Books) checkPlaced(f notes, k Key, h *record.Hold, a *message.HoldAnswer) {
	if a.Request != h.Request {
		f.fault(Records, "its first answer is to another request")
	}
	// It was refused, or found a tombstone; or the shop's own system was asked for it, and it ended
	// before it was HELD.
	declined := a.State == hold.Refused && (h.Hold.State == hold.Refused || h.Hold.State == hold.Released)
	if h.Hold.Lines.IsZero() || declined {
		if a.Quote != nil || a.State != hold.Refused {
			f.fault(OneEnd, "it has no lines and was answered with %v", a.State)
		}
		return
	}
	if a.State != hold.Held || a.Quote == nil || a.Quote.TermsVersion != h.Terms || !a.Quote.Prices(h.Hold.Lines) {
		f.fault(Price, "its first answer does not quote what it holds")
	}
}

// checkReservation opens what a supplier answered this shop.
func (b *Books) checkReservation(f notes, res *record.Reservation) {
	defer f.survive()
	if res.Answer == nil {
		return
	}
	payload, err := b.verifier.Open(res.Supplier, res.Answer)
	if err != nil {
		f.fault(Signed, "the supplier's sealed answer does not open: %v", err)
		return
	}
	a, err := message.Decode[message.HoldAnswer](b.codec, payload)
	if err != nil {
		f.fault(Records, "the supplier's sealed answer is unreadable: %v", err)
		return
	}
	if a.Supplier != res.Supplier || a.Retailer != b.Shop || a.Hold != res.Request.ID {
		f.fault(Records, "the supplier's sealed answer is about another reservation")
	}
}

// entry reads and verifies one sealed entry of a ledger; nil, and a fault, if it cannot.
func (r reader) entry(id ledger.ID, position uint64, sealed []byte) *Entry {
	defer r.f.survive()
	payload, err := r.verifier.Open(id.Supplier, sealed)
	if err != nil {
		r.f.fault(Signed, "its seal does not open: %v", err)
		return nil
	}
	v := decode[message.Entry](r, payload)
	if v == nil {
		return nil
	}
	if v.Position != position {
		r.f.fault(Ledgers, "entry %d stands in its place", v.Position)
		return nil
	}
	e := &Entry{Entry: v, Hash: sha256.Sum256(payload), Act: v.Own}
	if v.Request != nil {
		e.Request = r.request(id, *v.Request)
		if e.Request == nil {
			return nil
		}
		if e.Request.Number != v.Number {
			r.f.fault(OneAnswer, "it answers request %d with number %d", e.Request.Number, v.Number)
		}
		e.Act = e.Request.Act
	}
	if act, ok := e.Act.(message.SubmitOrder); ok {
		r.quoted(id, e, act)
	}
	return e
}

// request verifies a retailer's signed request.
func (r reader) request(id ledger.ID, signed message.SignedRequest) *message.Request {
	if err := r.verifier.Verify(message.DomainRequest, id.Retailer, signed.Payload, signed.Signature); err != nil {
		r.f.fault(Signed, "the retailer's request: %v", err)
	}
	req := decode[message.Request](r, signed.Payload)
	if req != nil && (req.Supplier != id.Supplier || req.Retailer != id.Retailer) {
		r.f.fault(Ledgers, "request %d is for another ledger", req.Number)
	}
	return req
}

// quoted opens the sealed quote that an order embeds.
func (r reader) quoted(id ledger.ID, e *Entry, act message.SubmitOrder) {
	payload, err := r.verifier.Open(id.Supplier, act.Quote)
	if err != nil {
		if e.Outcome == exchange.CodeOK {
			r.f.fault(Signed, "the quote of order %v does not open: %v", act.Order, err)
		}
		return
	}
	if a := decode[message.HoldAnswer](r, payload); a != nil && a.Hold == act.Order {
		e.quote = a.Quote
	}
}
