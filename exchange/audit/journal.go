package audit

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
)

// numbered is a movement of a journal under its number.
type numbered struct {
	number uint64
	*record.Movement
}

// movement reads a row of a journal: the stock's name, a zero byte, the number.
func (r reader) movement(key, value []byte) {
	v := decode[record.Movement](r, value)
	i := bytes.LastIndexByte(key[:max(0, len(key)-8)], 0)
	if i < 0 || i+9 != len(key) {
		r.f.fault(Records, "its key is none of a movement")
		return
	}
	if v == nil {
		return
	}
	id := exchange.StockID(key[:i])
	r.journals[id] = append(r.journals[id], numbered{binary.BigEndian.Uint64(key[i+1:]), v})
}

// reading reads the last figure of a stock.
func (r reader) reading(key, value []byte) {
	if v := decode[record.Reading](r, value); v != nil {
		r.readings[exchange.StockID(key)] = v.Set || v.Counted > 0 || len(v.Behind) > 0
	}
}

// checkJournals holds each stock against its journal: numbers without a gap up to the newest,
// which ends at the stock's own count; each movement goes on where the one before ended; and
// what orders took is what the orders say.
func (b *Books) checkJournals(f notes) {
	ordered := map[Key]map[exchange.SKU]int64{}
	for id, list := range b.journals {
		f := f.at("the journal of %s", id)
		rec, ok := b.stocks[id]
		if !ok {
			f.fault(Records, "there is no stock for it")
			continue
		}
		slices.SortFunc(list, func(x, y numbered) int { return int(int64(x.number) - int64(y.number)) })
		b.checkJournal(f, id, list, rec)
		for _, m := range list {
			if m.Cause == record.CauseOrdered || m.Cause == record.CauseOwnSold {
				k := Key{m.Partner, m.Order}
				if ordered[k] == nil {
					ordered[k] = map[exchange.SKU]int64{}
				}
				ordered[k][m.product(id)] += m.Units
			}
		}
	}
	for id, rec := range b.stocks {
		if rec.Moves > 0 && len(b.journals[id]) == 0 {
			f.at("the journal of %s", id).fault(Records, "its %d movements are missing", rec.Moves)
		}
	}
	for id := range b.readings {
		if _, ok := b.stocks[id]; !ok {
			f.at("the last figure of %s", id).fault(Records, "there is no stock for it")
		}
	}
	for k, units := range ordered {
		b.checkOrdered(f, k, units)
	}
}

// product is the product that moved.
func (m numbered) product(id exchange.StockID) exchange.SKU {
	if m.SKU != "" {
		return m.SKU
	}
	return exchange.SKU(id)
}

func (b *Books) checkJournal(f notes, id exchange.StockID, list []numbered, rec record.Stock) {
	last := list[len(list)-1]
	if last.number != rec.Moves || uint64(len(list)) != last.number-list[0].number+1 {
		f.fault(Records, "it has %d movements, numbered %d to %d; the stock says that the newest is %d", len(list), list[0].number, last.number, rec.Moves)
		return
	}
	if first := list[0].number; first != rec.Pruned+1 {
		f.fault(Records, "it begins at movement %d; the stock says that %d were deleted", first, rec.Pruned)
	}
	if last.Net != rec.Stock.Net() {
		f.fault(Stock, "it ends at %d units, and the stock has %d", last.Net, rec.Stock.Net())
	}
	told := false
	for i, m := range list {
		moves := m.Cause.Moves() && !m.Contained
		told = told || m.Cause == record.CauseCounted || m.Cause == record.CauseSet || m.Cause == record.CauseFigure
		if i == 0 {
			continue
		}
		before := list[i-1]
		want := before.Net
		if moves {
			want += m.Units
		}
		if m.Net == 0 && want < 0 && (m.Cause == record.CauseShipped || m.Cause == record.CauseOwnShipped) {
			want = 0 // nothing counted the stock then: its shelf had none to lose
		}
		if m.Net != want || m.Recorded() < before.Recorded() {
			f.fault(Stock, "movement %d (%v, %d units) ends at %d units at %v; the one before ended at %d at %v",
				m.number, m.Cause, m.Units, m.Net, m.Recorded(), before.Net, before.Recorded())
		}
	}
	if told && !b.readings[id] {
		f.fault(Records, "it has a count or a figure, and the record of the last one is missing")
	}
}

// checkOrdered holds what the journals say of an order against the order. An order that is
// older than the journals, or whose movements are pruned, is not in them.
func (b *Books) checkOrdered(f notes, k Key, units map[exchange.SKU]int64) {
	f = f.at("order %v of %s", k.ID, shopIn{b.name, k.Partner})
	o := b.Sales[k]
	if own := b.Own[k.ID]; own != nil && k.Partner == b.Shop {
		o = &own.Sale
	}
	if o == nil {
		f.fault(Records, "a journal names it, and there is no such order")
		return
	}
	for sku, n := range units {
		var line int64
		for _, l := range o.Order.Lines {
			if l.SKU == sku {
				line = l.Ordered
			}
		}
		if line != n {
			f.fault(Stock, "it has %d units of %s, and the journal says %d", line, sku, n)
		}
	}
}
