package event

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
)

// kept is an event that the log keeps.
type kept interface {
	Event
	stored() record.Event
}

// eventSize bounds what an event takes in a row beside its texts: its number of fields, ids and
// amounts with their tags.
const eventSize = 192

// lineSize bounds a line's tags and units.
const lineSize = 24

func sizeOf(texts ...string) int {
	n := eventSize
	for _, t := range texts {
		n += len(t)
	}
	return n
}

// Size bounds what the event adds to a batch.
func (e Order) Size() int       { return sizeOf(e.Status, e.Detail) }
func (e Basket) Size() int      { return sizeOf(e.Status, e.Detail) }
func (e Partnership) Size() int { return sizeOf(e.Status, e.Detail) }
func (e Frozen) Size() int      { return sizeOf(e.Why) }
func (e Stopped) Size() int     { return sizeOf(e.Why) }
func (e Started) Size() int     { return eventSize }
func (e Listing) Size() int {
	return sizeOf(e.Status, e.Reason) + len(e.SKUs)*(exchange.MaxSKU+lineSize)
}
func (e Bridge) Size() int    { return sizeOf(e.Status, e.Detail) }
func (e Shortfall) Size() int { return eventSize + len(e.Lines)*(exchange.MaxSKU+lineSize) }

func (e Order) stored() record.Event {
	return record.Event{
		What: record.EventOrder, At: e.At, Partner: e.Partner, Side: e.Side, Order: e.ID, Status: e.Status, Detail: e.Detail,
		Due: e.Due, Cancelled: e.Cancelled, Currency: e.Currency,
	}
}

func (e Basket) stored() record.Event {
	return record.Event{What: record.EventBasket, At: e.At, Order: e.ID, Status: e.Status, Detail: e.Detail}
}

func (e Partnership) stored() record.Event {
	return record.Event{
		What: record.EventPartnership, At: e.At, Partner: e.Partner, Side: e.Side, Status: e.Status, By: e.By, Detail: e.Detail,
	}
}

func (e Shortfall) stored() record.Event {
	v := record.Event{What: record.EventShortfall, At: e.At}
	for _, l := range e.Lines {
		v.Lines = append(v.Lines, record.EventLine{SKU: l.SKU, Units: l.Units})
	}
	return v
}

func (e Listing) stored() record.Event {
	v := record.Event{What: record.EventListing, At: e.At, Status: e.Status, Detail: e.Reason}
	for _, sku := range e.SKUs {
		v.Lines = append(v.Lines, record.EventLine{SKU: sku})
	}
	return v
}

func (e Frozen) stored() record.Event {
	return record.Event{What: record.EventFrozen, At: e.At, Partner: e.Partner, Detail: e.Why}
}

func (e Stopped) stored() record.Event {
	return record.Event{What: record.EventStopped, At: e.At, Detail: e.Why}
}

func (e Bridge) stored() record.Event {
	return record.Event{What: record.EventBridge, At: e.At, Status: e.Status, Partner: e.Partner, Order: e.Order, Detail: e.Detail}
}

func (e Started) stored() record.Event {
	return record.Event{What: record.EventStarted, At: e.At, Found: e.Found, Previous: e.Previous}
}

// restored is the event that v stores, of a row committed at the time at; nil of one that only
// a newer version knows.
func restored(v record.Event, at exchange.Time) Event {
	if v.At != 0 {
		at = v.At
	}
	switch v.What {
	case record.EventOrder:
		return Order{
			At: at, Partner: v.Partner, Side: v.Side, ID: v.Order, Status: v.Status, Detail: v.Detail,
			Due: v.Due, Cancelled: v.Cancelled, Currency: v.Currency,
		}
	case record.EventBasket:
		return Basket{At: at, ID: v.Order, Status: v.Status, Detail: v.Detail}
	case record.EventPartnership:
		return Partnership{At: at, Partner: v.Partner, Side: v.Side, Status: v.Status, By: v.By, Detail: v.Detail}
	case record.EventShortfall:
		e := Shortfall{At: at}
		for _, l := range v.Lines {
			e.Lines = append(e.Lines, MissingUnits{l.SKU, l.Units})
		}
		return e
	case record.EventListing:
		e := Listing{At: at, Status: v.Status, Reason: v.Detail}
		for _, l := range v.Lines {
			e.SKUs = append(e.SKUs, l.SKU)
		}
		return e
	case record.EventFrozen:
		return Frozen{At: at, Partner: v.Partner, Why: v.Detail}
	case record.EventStopped:
		return Stopped{At: at, Why: v.Detail}
	case record.EventBridge:
		return Bridge{At: at, Status: v.Status, Partner: v.Partner, Order: v.Order, Detail: v.Detail}
	case record.EventStarted:
		return Started{At: at, Found: v.Found, Previous: v.Previous}
	}
	return nil
}
