package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
)

// Suppliers' windows, which their greetings bring.

// greetingWait bounds how long awaitWindow waits. A connected partner greets within three round
// trips of a partnership's beginning: 2 s are enough over a satellite, and short enough for a
// caller whose supplier is offline.
const greetingWait = 2 * time.Second

// awaitWindow waits, at most greetingWait, for the window of a supplier with a partnership in
// force, so that newID succeeds. Shortly after a start, or after the partnership began, the
// supplier's greeting may be under way. It returns at once where the window is known, no
// partnership is in force, or the supplier is away.
func (r *Retailer) awaitWindow(ctx context.Context, supplier exchange.ShopID) {
	id := ledger.ID{Supplier: supplier, Retailer: r.me}
	greeted := r.partnerships.view.awaited(id)
	if greeted == nil || r.network.Away(supplier) {
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

// Window is the window of the holds that a supplier takes, by its latest greeting; false where
// none came since this shop started. Reserve waits for it.
func (r *Retailer) Window(supplier exchange.ShopID) (exchange.Window, bool) {
	return r.partnerships.view.window(supplier)
}

// awaited is closed when any supplier's window comes. It is nil where the window of id's
// supplier is known, or no partnership with it is in force.
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
