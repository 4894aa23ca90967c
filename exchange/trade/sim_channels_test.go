package trade_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
)

// What the owner's channels, people and systems do to the shelves of the simulation, and what they
// tell of it: at once, late, twice, by clocks that are off, or never.

// act does one thing at a shop.
func (p *premises) act() {
	p.follow()
	st := p.stock()
	switch n := p.s.rng.IntN(100); {
	case n < 15:
		p.happen(st, record.CauseSold)
	case n < 19:
		p.happen(st, record.CauseDamaged)
	case n < 27:
		p.happen(st, record.CauseReceived)
	case n < 30:
		p.happen(st, record.CauseReturned)
	case n < 46:
		p.tellSome()
	case n < 54:
		p.countLater(st)
	case n < 60:
		p.tellCount(st)
	case n < 64:
		p.countNow(st)
	case n < 75:
		p.webStep(st)
	case n < 80:
		p.lose(st)
	case n < 86:
		p.export()
	case n < 94:
		p.importFile()
	default:
		p.list(st)
	}
}

// happen has a channel sell or receive units, and perhaps tell it at once.
func (p *premises) happen(st *trueStock, cause record.Cause) *happening {
	units := int64(1 + p.s.rng.IntN(4))
	if cause.Takes() {
		units = -min(units, st.units)
	}
	if units == 0 {
		return nil
	}
	h := p.happened(st, cause, units)
	if p.s.chance(0.4) {
		p.tell(p.s.chance(0.5), h)
	}
	return h
}

// compose makes what a channel sends of a happening; told again, it is sent as it was. It reports whether
// there is something to send.
func (p *premises) compose(st *trueStock, h *happening) bool {
	s := p.s
	if h.told {
		return h.heard // not of what a sum has told
	}
	h.line = shelf.Line{SKU: st.sku(s), Cause: h.cause, Units: max(h.units, -h.units), ID: fmt.Sprintf("%s/%d", p.a.Name, h.number), Channel: "till", Reference: "R1"}
	switch {
	case h.number == p.next && h.at == s.w.Now: // as it happens
		if s.chance(0.5) {
			h.line.When = shelf.Now
		}
	case h.at < p.since || s.w.Now < p.since:
		return false // nobody could say when it was
	case s.chance(0.5):
		h.line.When.At = p.says(h.at)
	default:
		h.line.When.Ago = max(time.Millisecond, desktest.Clock{Shop: p.a}.Now().Sub(p.says(h.at)))
	}
	return true
}

// tellSome tells some of what happened, long ago or not, perhaps again.
func (p *premises) tellSome() {
	st := p.stock()
	var list []*happening
	for range 1 + p.s.rng.IntN(3) {
		if len(st.happened) == 0 {
			return
		}
		h := st.happened[p.s.rng.IntN(len(st.happened))]
		if p.s.chance(0.6) { // rather one of the last
			h = st.happened[max(0, len(st.happened)-1-p.s.rng.IntN(4))]
		}
		if h.cause != record.CauseOwnReturned && !slices.Contains(list, h) && p.s.w.Now.Sub(h.at) < 80*24*time.Hour {
			list = append(list, h)
		}
	}
	p.tell(p.s.chance(0.5), list...)
}

// tell tells happenings of one stock, and again until it is known what became of them.
func (p *premises) tell(atomic bool, list ...*happening) {
	var lines []shelf.Line
	var of []*happening
	for _, h := range list {
		if st := p.where(h); p.compose(st, h) {
			lines, of = append(lines, h.line), append(of, h)
			p.s.counts[counted{p.a, st.id}] = true
		}
	}
	if len(lines) == 0 {
		return
	}
	for {
		told, err := p.a.Desk.Moves.Tell(context.Background(), lines, atomic)
		p.s.allow(p.a, err)
		if len(told) == 0 || exchange.CodeOf(err) == exchange.CodeInternal || refusedByStore(err) {
			if p.s.Failed() {
				return
			}
			continue
		}
		for i, h := range of {
			p.heard(h, told[i], err)
		}
		return
	}
}

// refusedByStore reports that a commit was refused, so that nothing was done.
func refusedByStore(err error) bool { return errors.Is(err, kv.ErrRefused) }

// heard takes the answer to a line.
func (p *premises) heard(h *happening, told shelf.Told, err error) {
	p.a.Died()
	src, readErr := p.a.Desk.Shelf.Source("")
	desktest.Must(p.s, readErr)
	byFile := src.Figure != record.FigureOnHand && src.Figure != record.FigureFree
	switch code := exchange.CodeOf(told.Err); {
	case code == exchange.CodeState && h.cause.Brings() && byFile:
	case code != exchange.CodeOK:
		p.s.Errorf("seed %d, step %s: %s tells %+v: %v", p.s.w.Seed, p.s.what, p.a.Name, h.line, told.Err)
	case err != nil: // another line has refused the call
	case h.told && told.Result != shelf.Repeated:
		p.s.Errorf("seed %d, step %s: %s tells again %+v: %v", p.s.w.Seed, p.s.what, p.a.Name, h.line, told.Result)
	default:
		p.s.seen[fmt.Sprintf("told: %v", [...]string{"applied", "contained", "repeated"}[told.Result])]++
		h.told, h.heard = true, true
	}
}

// where is the shelf of a happening.
func (p *premises) where(h *happening) *trueStock {
	for _, st := range p.stocks {
		if slices.Contains(st.happened, h) {
			return st
		}
	}
	return nil
}

// countLater has a person count a shelf.
func (p *premises) countLater(st *trueStock) {
	l := p.look(st)
	st.counted = append(st.counted, &l)
}

// tellCount tells one of the counts, by its moment, by the revision or by both.
func (p *premises) tellCount(st *trueStock) {
	if len(st.counted) == 0 {
		return
	}
	i := p.s.rng.IntN(len(st.counted))
	l := st.counted[i]
	if p.s.chance(0.8) { // else it will be told again
		st.counted = slices.Delete(st.counted, i, i+1)
	}
	c := shelf.Count{SKU: st.sku(p.s), Units: l.units, Revision: &l.revision}
	if p.s.chance(0.7) && l.at >= p.since && p.s.w.Now >= p.since {
		if c.When.At = p.says(l.at); p.s.chance(0.5) {
			c.When = shelf.Moment{Ago: max(time.Millisecond, desktest.Clock{Shop: p.a}.Now().Sub(c.When.At))}
		}
		if p.s.chance(0.8) {
			c.Revision = nil
		}
	}
	if p.count(st, c) {
		st.tookCount(*l)
	}
}

// countNow has a person count and tell it at the shelf.
func (p *premises) countNow(st *trueStock) {
	l := p.look(st)
	if p.s.chance(0.02) {
		p.count(st, shelf.Count{SKU: st.sku(p.s), Unlimited: true, When: shelf.Now})
		return
	}
	if p.count(st, shelf.Count{SKU: st.sku(p.s), Units: l.units, When: shelf.Now}) {
		st.tookCount(l)
	}
}

// count tells a count, by either of the calls that take one, until it is known what became of it.
func (p *premises) count(st *trueStock, c shelf.Count) bool {
	p.s.counts[counted{p.a, st.id}] = true
	for {
		before := p.believed(st).Moves
		var err error
		if c.Unlimited || p.s.chance(0.5) {
			_, err = p.a.Desk.Shelf.Count(context.Background(), []shelf.Count{c})
		} else {
			line := shelf.Line{SKU: c.SKU, Cause: record.CauseCounted, Units: c.Units, When: c.When, Revision: c.Revision}
			_, err = p.a.Desk.Moves.Tell(context.Background(), []shelf.Line{line}, true)
		}
		p.s.allow(p.a, err)
		switch code := exchange.CodeOf(err); {
		case err == nil || p.believed(st).Moves > before:
			p.s.seen["count"]++
			return true
		case code == exchange.CodeStale:
			p.s.seen["count stale"]++
			return false
		case code != exchange.CodeInternal && !refusedByStore(err) || p.s.Failed():
			p.s.Errorf("seed %d, step %s: %s counts %+v: %v", p.s.w.Seed, p.s.what, p.a.Name, c, err)
			return false
		}
	}
}

// webStep has a web shop read, sell, receive, or write what it has made of what it read.
func (p *premises) webStep(st *trueStock) {
	rec := p.believed(st)
	if rec.Stock.Unlimited {
		st.web = nil
		return
	}
	if st.web == nil {
		st.web = &webShop{revision: p.look(st).revision, read: rec.Stock.Net(), units: rec.Stock.Net()}
	}
	w := st.web
	switch p.s.rng.IntN(4) {
	case 0:
		if p.s.chance(0.3) {
			st.web = nil
		}
	case 1, 2:
		if h := p.happen(st, []record.Cause{record.CauseSold, record.CauseReceived}[p.s.rng.IntN(2)]); h != nil {
			w.units += h.units
			w.did = append(w.did, h)
		}
	case 3:
		if w.units < 0 {
			return
		}
		if p.count(st, shelf.Count{SKU: st.sku(p.s), Units: w.units, Revision: &w.revision}) {
			p.s.seen["sum written"]++
			w.tell()
			st.web = nil
		} else if p.s.chance(0.5) { // else it tries again with what it has
			st.web = nil
		}
	}
}

// tell notes what a written sum has told: what came, and as many of the units that went as the
// sum is below what was read. Those that what came has hidden nobody has told.
func (w *webShop) tell() {
	less := w.read - w.units
	for _, h := range slices.Backward(w.did) {
		if h.units > 0 {
			h.told = true
		} else if less += h.units; less >= 0 {
			h.told = true
		}
	}
}

// lose has units go that nobody knows of, where there are no files: figures of a system that does
// not know of a loss are not what they are said to be.
func (p *premises) lose(st *trueStock) {
	if units := min(int64(1+p.s.rng.IntN(3)), st.units); units > 0 && p.system == record.FigureNotChosen {
		st.units -= units
		st.lost = append(st.lost, &happening{number: p.number(), at: p.s.w.Now, cause: record.CauseDamaged, units: -units})
	}
}

// list has the owner or the system take a product off sale, or bring it back.
func (p *premises) list(st *trueStock) {
	ctx, sku := context.Background(), st.sku(p.s)
	var err error
	switch p.s.rng.IntN(4) {
	case 0:
		if err = p.a.Desk.Shelf.Remove(ctx, sku); err == nil && p.s.chance(0.3) { // a recall
			_, err = p.a.Desk.Supplier.ReleaseProduct(ctx, sku)
		}
	case 1:
		_, err = p.a.Desk.Shelf.Withdraw(ctx, []exchange.SKU{sku}, "absent", false)
	default:
		err = p.a.Desk.Shelf.Publish(ctx, sku)
	}
	p.s.allow(p.a, err)
}
