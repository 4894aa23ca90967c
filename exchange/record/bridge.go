package record

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
)

// Asked is what the shop's own system was asked for under a hold's id (package bridge). The row's
// key is the id: no two retailers have a hold of one id while it stands. What became of the hold
// its own record says.
type Asked struct {
	Retailer exchange.ShopID // whose hold it is; this shop itself of an own reservation
	At       exchange.Time   // of its latest change: asked, confirmed, ordered, given back
	Seq      uint32          // how many parts of it were given back
	Sure     bool            // the system said yes to the commit
	Denied   bool            // it said no
}

// Bridged is a commit or a release that waits for the system's answer. It was stored with what it
// tells of, and goes when it is answered.
type Bridged struct {
	ID        exchange.HoldID
	Commit    bool          // else a release
	Reference string        // of a commit
	Seq       uint32        // of a release
	Lines     []order.Units // of a release; none = everything that is still set aside
	Reason    string        // of a release, for people
	At        exchange.Time
}
