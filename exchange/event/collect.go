package event

import (
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
)

const (
	// Interval is how long holds and changes of stock are collected. The publisher of the
	// catalog waits as long.
	Interval = 100 * time.Millisecond
	// MaxHoldEvents bounds the events of holds that one flush hands out, to a quarter of what a
	// watcher may fall behind: 640 a second.
	MaxHoldEvents = Buffer / 4
	// MaxProducts is how many products one event names: as many as a reservation has lines.
	MaxProducts = exchange.MaxLines
)

// collected is what the next flush hands out.
type collected struct {
	mu      sync.Mutex // guards the other fields
	holds   map[holdsOf]*Holds
	stock   map[exchange.SKU]bool
	waiting bool          // a flush is planned
	at      exchange.Time // of the newest change collected
}

// holdsOf is what the holds of one event have in common. Beyond MaxHoldEvents events of one
// flush the partner is left out.
type holdsOf struct {
	partner exchange.ShopID
	side    exchange.Party // this shop's
	status  string
}

// Hold collects one hold for the next flush.
func (w *Watchers) Hold(at exchange.Time, partner exchange.ShopID, side exchange.Party, status string, id exchange.HoldID, lines exchange.Lines) {
	c := &w.collected
	of := holdsOf{partner, side, status}
	c.mu.Lock()
	if c.holds == nil {
		c.holds = make(map[holdsOf]*Holds)
	}
	if c.holds[of] == nil && len(c.holds) >= MaxHoldEvents {
		of.partner = exchange.ShopID{}
	}
	e := c.holds[of]
	if e == nil {
		e = &Holds{Partner: of.partner, Side: side, ID: id, Status: status}
		c.holds[of] = e
	}
	e.At = at
	if e.Count++; e.Count > 1 {
		e.ID = exchange.HoldID{}
	}
	if side == exchange.Supplier || !of.partner.IsZero() { // SKUs of several suppliers have no sum
		e.add(lines)
	}
	w.schedule() // unlocks c.mu
}

// add sums up lines by product. An event that would name more than MaxProducts names none.
func (h *Holds) add(lines exchange.Lines) {
	if h.Count > 1 && len(h.Lines) == 0 {
		return
	}
	for _, l := range lines.All() {
		i := slices.IndexFunc(h.Lines, func(of exchange.Line) bool { return of.SKU == l.SKU })
		switch {
		case i >= 0:
			h.Lines[i].Quantity += l.Quantity
		case len(h.Lines) == MaxProducts:
			h.Lines = nil
			return
		default:
			h.Lines = append(h.Lines, l)
		}
	}
}

// StockChanged collects a change of a product's counts.
func (w *Watchers) StockChanged(sku exchange.SKU) {
	c := &w.collected
	c.mu.Lock()
	if c.stock == nil {
		c.stock = make(map[exchange.SKU]bool)
	}
	if len(c.stock) <= MaxProducts { // MaxProducts + 1 SKUs say that there are too many
		c.stock[sku] = true
	}
	w.schedule()
}

// schedule plans a flush, unless one is planned, and unlocks collected.mu, which the caller
// has locked.
func (w *Watchers) schedule() {
	c := &w.collected
	first := !c.waiting
	c.waiting, c.at = true, w.clock.Now()
	c.mu.Unlock()
	switch {
	case w.atOnce:
		w.flush()
	case first:
		time.AfterFunc(Interval, w.flush)
	}
}

// flush hands out what is collected, and empties it.
func (w *Watchers) flush() {
	c := &w.collected
	c.mu.Lock()
	holds, stock, at := c.holds, c.stock, c.at
	c.holds, c.stock, c.waiting = nil, nil, false
	c.mu.Unlock()
	for _, e := range holds {
		w.Notify(*e)
	}
	if len(stock) == 0 {
		return
	}
	e := Stock{At: at}
	if len(stock) <= MaxProducts {
		for sku := range stock {
			e.SKUs = append(e.SKUs, sku)
		}
		slices.Sort(e.SKUs)
	}
	w.Notify(e)
}
