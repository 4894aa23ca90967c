package trade_test

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
)

// The files of the simulation: a system's figures, by what they mean, imported late, again, out of
// order, in parts, and badly dated.

// export has the system write a file. One without a date is imported at once.
func (p *premises) export() {
	share := 1.0
	if p.s.chance(0.3) {
		share = 0.5
	}
	p.resume()
	if f := p.read(share); f != nil && f.asOf == 0 && p.coming == nil {
		p.importFile()
	}
}

// read has the system say what it counts of a share of the products.
func (p *premises) read(share float64) *trueFile {
	if p.system == record.FigureNotChosen {
		return nil
	}
	f := &trueFile{at: p.s.w.Now}
	if p.dated && p.s.w.Now >= p.since {
		f.asOf = p.says(p.s.w.Now)
	}
	for _, st := range p.stocks {
		if !p.s.chance(share) {
			continue
		}
		l := p.look(st)
		figure := shelf.Figure{Set: true, Units: st.figure}
		if p.system == record.FigureOnHand && p.chosen == p.system && p.s.chance(0.3) { // sold there, and not sent
			figure.Committed = int64(p.s.rng.IntN(4))
			figure.Units += figure.Committed
		}
		for _, sku := range st.skus {
			item := p.item(st, sku)
			item.Stock = figure
			switch n := p.s.rng.IntN(10); {
			case p.life < 0: // it is new
			case n == 0:
				item.Withdrawn = "draft"
			case n < 3:
				item.StockOnly = true
			}
			f.said = append(f.said, fileItem{st, l, item})
		}
	}
	if f.asOf != 0 || p.coming == nil {
		p.files = append(p.files, f)
	}
	return f
}

// resume forgets an import that ended with its process.
func (p *premises) resume() {
	if p.coming != nil && p.coming.life != p.a.Life {
		p.coming = nil
	}
}

// importFile imports one of the files that wait, not always the oldest, and keeps it, so that it may
// come again; or goes on with the one that it has begun. A file without a date comes once, when
// it was read.
func (p *premises) importFile() {
	p.resume()
	f := p.coming
	if f == nil {
		if f = p.choose(); f == nil || !p.date(f) {
			return
		}
	}
	part := f.said
	if len(part) > 1 && p.life >= 0 && p.s.chance(0.3) {
		part = part[:1+p.s.rng.IntN(len(part)-1)]
	}
	if !p.importPart(f, part) {
		return
	}
	if rest := f.said[len(part):]; len(rest) > 0 && !p.s.chance(0.2) {
		p.coming = &trueFile{at: f.at, asOf: f.asOf, said: rest, same: f.same, state: f.state, life: p.a.Life}
		return
	}
	p.coming = nil
	if p.life >= 0 && p.s.chance(0.1) { // it was not read to its end
		p.a.Restart()
		return
	}
	p.ended(f.state)
	for _, it := range f.same {
		it.stock.took(it.looked)
	}
}

func (p *premises) choose() *trueFile {
	if len(p.files) == 0 {
		return nil
	}
	last := p.files[len(p.files)-1]
	f := p.files[p.s.rng.IntN(len(p.files))]
	if p.s.chance(0.5) {
		f = last
	}
	if f.asOf != 0 {
		return f
	}
	p.files = nil
	if last.asOf == 0 && last.at == p.s.w.Now {
		return last
	}
	return nil
}

// date says when a file was read, as a node does. It reports whether the file is to be read.
func (p *premises) date(f *trueFile) bool {
	p.a.Died()
	src, err := p.a.Desk.Shelf.Source("")
	desktest.Must(p.s, err)
	st := shelf.Statement{Figure: p.chosen, BookedWithin: bookedWithin, AllowRenamed: true, Last: src.High}
	if st.Low, st.High = src.Undated(p.a.Desk.Shelf.Now()); f.asOf != 0 {
		st.Low, st.High = f.asOf.Add(-channelSlack), f.asOf.Add(channelSlack)
	}
	f.state = st
	return src.High == 0 || st.High >= src.Low
}

// importPart imports a part of a file, again until it is known what became of it.
func (p *premises) importPart(f *trueFile, part []fileItem) bool {
	st := f.state
	var items []shelf.Item
	uncounted := map[*trueStock]bool{}
	for _, it := range part {
		items = append(items, it.item)
		uncounted[it.stock] = p.believed(it.stock).Stock.Unlimited
		p.s.counts[counted{p.a, it.stock.id}] = true
	}
	for {
		outcomes, err := p.a.Desk.Shelf.Import(context.Background(), st, items)
		if err != nil && p.again(err) {
			continue
		}
		if err != nil {
			return false
		}
		for i, out := range outcomes {
			switch it := part[i]; {
			case out.Older:
				p.s.seen["figure older"]++
			case uncounted[it.stock]:
				it.stock.latest = it.looked
			default:
				p.s.seen["figure of "+p.system.String()+" as "+st.Figure.String()]++
				if out.Before != out.After {
					it.stock.took(it.looked)
				} else {
					f.same = append(f.same, it)
				}
			}
		}
		return true
	}
}

// again reports that a call failed of a misfortune, whatever became of it.
func (p *premises) again(err error) bool {
	p.s.allow(p.a, err)
	if exchange.CodeOf(err) == exchange.CodeInternal || refusedByStore(err) {
		return !p.s.Failed()
	}
	p.s.Errorf("seed %d, step %s: %s imports: %v", p.s.w.Seed, p.s.what, p.a.Name, err)
	return false
}

// ended notes that a file was read to its end, as a node does.
func (p *premises) ended(st shelf.Statement) {
	for {
		p.a.Died()
		src, err := p.a.Desk.Shelf.Source("")
		desktest.Must(p.s, err)
		src.Figure, src.BookedWithin, src.ClockSlack = p.chosen, bookedWithin, channelSlack
		src.Ended = p.a.Desk.Shelf.Now()
		src.High = max(src.High, st.High)
		src.Low = min(st.Low, src.High)
		err = p.a.Desk.Shelf.SetSource(context.Background(), src)
		if err == nil || !p.again(err) {
			return
		}
	}
}
