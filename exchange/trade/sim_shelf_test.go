package trade_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/protocol"
)

// What is truly on a shop's shelves in the simulation, beside what its desk believes.
//
// The invariant: the shelf that a desk believes never exceeds the shelf that there is by more than
// what nobody has told it. It is held for each stock against the latest reading of the shelf that
// the desk took (a file, or a count), with all that left and all that was told since.

const (
	bookedWithin = 10 * time.Minute
	channelSlack = time.Minute // how far a channel's clock and the shop's may be apart
)

// premises is one shop's shelves, its channels, its people and the system whose files it imports.
type premises struct {
	s      *sim
	a      *desktest.Shop
	system record.Figure // what the files truly mean; 0 = there are none
	chosen record.Figure // what the owner says that they mean
	dated  bool
	stocks []*trueStock
	files  []*trueFile
	coming *trueFile // what is left of a file that is being imported
	next   int       // numbers readings, happenings and shipments in their true order

	// Moments that channels and files say mean something from this true time on: since then the
	// shop's clock has not been set, and it is past all that it ever showed.
	since exchange.Time
	peak  exchange.Time // the most that the clock had shown when it was set last
	life  int           // of the desk whose shortfalls are loaded
	back  map[exchange.OrderID]bool
}

// trueStock is one shelf.
type trueStock struct {
	id     exchange.StockID
	skus   []exchange.SKU // that sell from it
	units  int64          // that are there
	figure int64          // what the system says

	left  int64  // units that the desk has recorded as gone
	moves uint64 // lines of the journal that were read

	orders   map[exchange.OrderID]*booking
	happened []*happening
	lost     []*happening // what no channel knows of
	counted  []*looked    // by people, who have not yet told it
	web      *webShop
	latest   looked // of the readings that the desk took
}

// booking is an order in a system that counts what is free.
type booking struct {
	at     exchange.Time // when it is booked
	units  int64
	booked bool
}

// looked is what somebody found on a shelf.
type looked struct {
	number   int
	at       exchange.Time
	units    int64
	left     int64  // trueStock.left then
	revision uint64 // of a count: that the person saw
}

// trueFile is an export of the system.
type trueFile struct {
	at    exchange.Time
	asOf  exchange.Time // as stated; 0 = not
	said  []fileItem
	same  []fileItem      // what was imported and changed nothing: that it was read is known at the end
	state shelf.Statement // once its import has begun
	life  int             // of the desk that imports it
}

type fileItem struct {
	stock *trueStock
	looked
	item shelf.Item
}

// happening is what a channel has done to a shelf.
type happening struct {
	number int
	at     exchange.Time
	cause  record.Cause
	units  int64      // < 0: they went
	told   bool       // by whatever: a movement, a sum, a count of what was lost
	heard  bool       // as a movement
	line   shelf.Line // as it was told first
}

// webShop reads a stock, adds up what it does, and writes the sum.
type webShop struct {
	revision uint64
	read     int64
	units    int64 // with what has been done since
	did      []*happening
}

// newPremises opens a shop: by a first count, or a first file.
func newPremises(s *sim, a *desktest.Shop) *premises {
	p := &premises{s: s, a: a, life: -1, back: map[exchange.OrderID]bool{}}
	p.system = record.Figure(s.rng.IntN(4))
	if p.chosen = p.system; s.chance(0.3) {
		p.chosen = record.FigureNotChosen
	}
	p.dated = s.chance(0.6)
	pool, err := exchange.PoolStock("pool")
	desktest.Must(s, err)
	own := func(i int) *trueStock {
		return &trueStock{id: exchange.OwnStock(sku(i)), skus: []exchange.SKU{sku(i)}}
	}
	p.stocks = []*trueStock{own(0), own(1), own(2)}
	if s.chance(0.4) {
		p.stocks = []*trueStock{own(0), {id: pool, skus: []exchange.SKU{sku(1), sku(2)}}}
	}
	for _, st := range p.stocks {
		st.orders = map[exchange.OrderID]*booking{}
		st.units = int64(s.rng.IntN(30))
		st.figure = st.units
	}
	var items []shelf.Item
	for _, st := range p.stocks {
		for _, sku := range st.skus {
			items = append(items, p.item(st, sku))
		}
	}
	if p.system == record.FigureNotChosen || s.chance(0.2) { // the first file may come later
		_, err := a.Desk.Shelf.Import(context.Background(), shelf.Statement{AllowRenamed: true}, items)
		desktest.Must(s, err)
		for _, st := range p.stocks {
			p.countNow(st)
		}
		return p
	}
	p.read(1)
	p.importFile()
	return p
}

// item is a product as the system tells it, without its stock.
func (p *premises) item(st *trueStock, sku exchange.SKU) shelf.Item {
	item := shelf.Item{Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: 300, Price: exchange.Money{Minor: int64(100 + p.s.rng.IntN(9000)), Currency: "EUR"}}}
	if st.id.IsPool() {
		item.Pool = st.id
	}
	return item
}

func (p *premises) number() int {
	p.next++
	return p.next
}

func (p *premises) stock() *trueStock { return p.stocks[p.s.rng.IntN(len(p.stocks))] }

// of is the shelf that a product lies on.
func (p *premises) of(sku exchange.SKU) *trueStock {
	for _, st := range p.stocks {
		if slices.Contains(st.skus, sku) {
			return st
		}
	}
	return nil
}

func (st *trueStock) sku(s *sim) exchange.SKU { return st.skus[s.rng.IntN(len(st.skus))] }

// believed is the desk's record of a shelf.
func (p *premises) believed(st *trueStock) record.Stock {
	p.a.Died() // of something that it does behind a call
	rec, err := record.Get[record.Stock](p.a.Mem, protocol.Codec{}, record.StockKey(st.id))
	desktest.Must(p.s, err)
	if rec == nil {
		return record.Stock{}
	}
	return *rec
}

// follow does to the shelves what the desk has recorded: what it says is shipped leaves, and the system
// books what is ordered.
func (p *premises) follow() {
	for _, st := range p.stocks {
		rec := p.believed(st)
		for ; st.moves < rec.Moves; st.moves++ {
			m, err := record.Get[record.Movement](p.a.Mem, protocol.Codec{}, record.MovementKey(st.id, st.moves+1))
			desktest.Must(p.s, err)
			p.recorded(st, m)
			if st.moves+1 == rec.Moves && m.Net != rec.Stock.Net() {
				p.s.Errorf("seed %d, step %s: %s: the journal of %s ends with %d on the shelf; it has %d", p.s.w.Seed, p.s.what, p.a.Name, st.id, m.Net, rec.Stock.Net())
			}
		}
		if gone := rec.Stock.Shipped + rec.Left - st.left; gone > 0 {
			p.number()
			st.left += gone
			if st.units -= gone; st.units < 0 {
				p.s.Fatalf("seed %d, step %s: %s sent %d units of %s that are not there", p.s.w.Seed, p.s.what, p.a.Name, -st.units, st.id)
			}
			if p.system == record.FigureOnHand {
				st.figure -= gone
			}
		}
		for _, o := range st.orders {
			if !o.booked && o.at <= p.s.w.Now {
				p.book(st, o)
			}
		}
	}
}

// recorded takes a line of the journal.
func (p *premises) recorded(st *trueStock, m *record.Movement) {
	switch m.Cause {
	case record.CauseOrdered, record.CauseOwnSold:
		o := st.orders[m.Order]
		if o == nil {
			committed := min(p.s.w.Now, m.At.Add(-p.a.Skew))
			o = &booking{at: committed.Add(time.Duration(p.s.rng.Int64N(int64(bookedWithin))))}
			st.orders[m.Order] = o
		}
		o.units += m.Units
	case record.CauseCancelled, record.CauseOwnCancelled:
		o := st.orders[m.Order]
		if o.units -= m.Units; o.booked && p.system == record.FigureFree {
			st.figure += m.Units
		}
	case record.CauseOwnReturned:
		p.happened(st, m.Cause, m.Units).told = true
	}
}

func (p *premises) book(st *trueStock, o *booking) {
	o.booked = true
	if p.system == record.FigureFree {
		st.figure -= o.units
	}
}

// clockSet notes that the shop's clock is about to be set: what was said by it before means
// nothing any more, nor what it says until it has caught up with itself.
func (p *premises) clockSet(skew time.Duration) {
	p.follow()
	p.peak = max(p.peak, desktest.Clock{Shop: p.a}.Now())
	now := p.s.w.Now.Add(skew)
	p.since = p.s.w.Now.Add(max(0, p.peak.Sub(now)) + time.Millisecond)
	p.files = nil
	for _, st := range p.stocks {
		for _, o := range st.orders {
			if !o.booked {
				p.book(st, o)
			}
		}
	}
}

// says is a moment by a channel's clock.
func (p *premises) says(at exchange.Time) exchange.Time {
	off := time.Duration(p.s.rng.Int64N(2*channelSlack.Milliseconds()+1)-channelSlack.Milliseconds()) * time.Millisecond
	return at.Add(p.a.Skew + off)
}

// happened has units come to a shelf, or go (< 0), and the system count it.
func (p *premises) happened(st *trueStock, cause record.Cause, units int64) *happening {
	st.units += units
	st.figure += units
	h := &happening{number: p.number(), at: p.s.w.Now, cause: cause, units: units}
	st.happened = append(st.happened, h)
	return h
}

// look is what somebody finds on a shelf now.
func (p *premises) look(st *trueStock) looked {
	revision, err := p.a.Desk.Shelf.Revision(p.believed(st).Stock)
	p.s.allow(p.a, err)
	return looked{number: p.number(), at: p.s.w.Now, units: st.units, left: st.left, revision: revision}
}

// took notes that the desk has taken a reading.
func (st *trueStock) took(l looked) {
	if l.number >= st.latest.number {
		st.latest = l
	}
}

// tookCount notes that it has taken a count, which tells what was lost until then.
func (st *trueStock) tookCount(l looked) {
	for _, h := range st.lost {
		h.told = h.told || h.number <= l.number
	}
	st.took(l)
}

// most is the most that the desk may believe to be on a shelf.
func (st *trueStock) most() int64 {
	most := st.latest.units - (st.left - st.latest.left)
	for _, h := range st.happened {
		if h.told && h.number > st.latest.number {
			most += h.units
		}
	}
	for _, h := range st.lost {
		if !h.told && h.number <= st.latest.number {
			most -= h.units
		}
	}
	return most
}

// judge holds what the desk believes against what there is.
func (p *premises) judge() {
	p.follow()
	if p.life != p.a.Life {
		p.life = p.a.Life
		p.s.allow(p.a, p.a.Desk.Shelf.LoadShortfalls(context.Background()))
	}
	for _, st := range p.stocks {
		rec := p.believed(st)
		if told, is := p.a.Desk.Shelf.Shortfalls().At(st.id), rec.Stock.Shortfall(); told != is {
			p.s.Errorf("seed %d, step %s: %s: a shortfall of %d of %s is told, it is %d", p.s.w.Seed, p.s.what, p.a.Name, told, st.id, is)
		}
		if rec.Stock.Unlimited {
			continue
		}
		if most := st.most(); rec.Stock.Net() > most {
			p.s.Errorf("seed %d, step %s: %s believes %d of %s to be there (%+v); with all that it was told there are %d, and %d are there. The system is %q, chosen %q, dated %v; %s",
				p.s.w.Seed, p.s.what, p.a.Name, rec.Stock.Net(), st.id, rec.Stock, most, st.units, p.system, p.chosen, p.dated, p.story(st))
		}
		if short := rec.Stock.Promised() - max(0, st.most()); short > rec.Stock.Shortfall() {
			p.s.Errorf("seed %d, step %s: %s has promised %d more of %s than are there, and tells of a shortfall of %d", p.s.w.Seed, p.s.what, p.a.Name, short, st.id, rec.Stock.Shortfall())
		}
		p.s.seen["shelf compared"]++
		if rec.Stock.Net() == st.units {
			p.s.seen["shelf believed as it is"]++
		}
	}
}

// bounded checks, of a hold that a shop has just placed for a partner, that what the shop keeps back is
// still there, and that the partner holds no more than its share.
func (p *premises) bounded(partner *desktest.Shop, a *message.HoldAnswer) {
	if a.State != hold.Held || a.Quote == nil || a.Quote.Issued != p.a.Desk.Shelf.Now() {
		return // it was placed before
	}
	for _, l := range a.Quote.Lines {
		rec := p.believed(p.of(l.SKU))
		if keep := rec.Keep.Units; rec.Keep.Set && !rec.Stock.Unlimited && rec.Stock.Free() < keep {
			p.s.Errorf("seed %d, step %s: %s keeps %d of %s back, and %s has held down to %d", p.s.w.Seed, p.s.what, p.a.Name, keep, l.SKU, partner.Name, rec.Stock.Free())
		}
		if share := rec.Share.Units; rec.Share.Set && share > 0 {
			p.s.seen["hold within a share"]++
			if rec.HeldBy(partner.ID) > share {
				p.s.Errorf("seed %d, step %s: %s may hold %d of %s of %s, and holds %d", p.s.w.Seed, p.s.what, partner.Name, share, l.SKU, p.a.Name, rec.HeldBy(partner.ID))
			}
		}
	}
}

// story is what a shelf's journal and the world say of the last of it.
func (p *premises) story(st *trueStock) string {
	text := fmt.Sprintf("the latest reading was %+v", st.latest)
	for _, h := range st.happened[max(0, len(st.happened)-6):] {
		text += fmt.Sprintf("\n\thappened %d at %d: %v %d, told %v (%+v)", h.number, h.at, h.cause, h.units, h.told, h.line)
	}
	n := 0
	err := p.a.Desk.Shelf.Movements(st.skus[0], 0, func(number uint64, m *record.Movement) bool {
		text += fmt.Sprintf("\n\tjournal %d: %v %d at %d told %d: %d, contained %v", number, m.Cause, m.Units, m.At, m.Told, m.Net, m.Contained)
		n++
		return n < 12
	})
	if err != nil {
		text += err.Error()
	}
	return text
}

// there is up to units of each line's product that are on the shelf; some lines may be left out.
func (p *premises) there(lines []shelfLine) []shelfLine {
	p.follow()
	left := map[*trueStock]int64{}
	for _, st := range p.stocks {
		left[st] = st.units
	}
	var list []shelfLine
	for _, l := range lines {
		st := p.of(l.sku)
		if n := min(l.units, left[st]); n > 0 {
			left[st] -= n
			list = append(list, shelfLine{l.sku, n})
		}
	}
	return list
}

// shelfLine is units of a product.
type shelfLine struct {
	sku   exchange.SKU
	units int64
}

func open(o *record.Order) (lines []shelfLine) {
	for _, l := range o.Order.Lines {
		if n := l.Ordered - l.Cancelled - l.Shipped; n > 0 {
			lines = append(lines, shelfLine{l.SKU, n})
		}
	}
	return lines
}
