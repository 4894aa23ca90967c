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
	id := ledger.ID{Supplier: supplier, Retailer: r.me}
	greeted := r.partnerships.view.awaited(id)
	if greeted == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, greetingWait)
	defer cancel()
	for ; greeted != nil; greeted = r.partnerships.view.awaited(id) {
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
func (v *partnerView) awaited(id ledger.ID) <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.windows[id.Supplier]; known || !v.partnerships[id].active {
		return nil
	}
	if v.greeted == nil {
		v.greeted = make(chan struct{})
	}
	return v.greeted
}

func (v *partnerView) window(supplier exchange.ShopID) (exchange.Window, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	w, ok := v.windows[supplier]
	return w, ok
}

func (v *partnerView) setWindow(supplier exchange.ShopID, w exchange.Window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.windows[supplier] = w
	if v.greeted != nil {
		close(v.greeted)
		v.greeted = nil
	}
}
