package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
)

// Windows of suppliers, which they tell in their greetings.

// greetingWait bounds how long awaitWindow waits. A partner that is there greets within three
// round trips of a partnership's beginning: 2 s are enough over a satellite, and a caller
// whose supplier is offline bears them.
const greetingWait = 2 * time.Second

// awaitWindow waits, at most 2 s, until a supplier under a partnership in force has told
// the window of the holds it takes, so that newID succeeds: its greeting is under way
// for a moment after a start, or after the partnership began. It returns at once where nothing
// is to be waited for.
func (r *Retailer) awaitWindow(ctx context.Context, supplier exchange.ShopID) {
	ctx, cancel := context.WithTimeout(ctx, greetingWait)
	defer cancel()
	for {
		greeted := r.partnerships.view.awaited(ledger.ID{Supplier: supplier, Retailer: r.me})
		if greeted == nil {
			return
		}
		select {
		case <-greeted:
		case <-ctx.Done():
			return
		}
	}
}

// Window is the window of the holds that a supplier takes, as it told last; false where it has
// told none since this shop started, and Reserve waits for it.
func (r *Retailer) Window(supplier exchange.ShopID) (exchange.Window, bool) {
	return r.partnerships.view.window(supplier)
}

// awaited is closed when some supplier tells its window; nil where that of c's supplier is
// known, or nothing can be bought from it.
func (p *partnerView) awaited(c ledger.ID) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.windows[c.Supplier]; known || !p.trade[c].active {
		return nil
	}
	if p.greeted == nil {
		p.greeted = make(chan struct{})
	}
	return p.greeted
}

func (p *partnerView) window(supplier exchange.ShopID) (exchange.Window, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	w, ok := p.windows[supplier]
	return w, ok
}

func (p *partnerView) setWindow(supplier exchange.ShopID, w exchange.Window) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.windows[supplier] = w
	if p.greeted != nil {
		close(p.greeted)
		p.greeted = nil
	}
}
