package bridge

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
)

// MaxBatch is the most asks, references or parts of one call, and the most changes of one page.
const MaxBatch = 100

// MaxCursor is the longest cursor of [Bridge.Changes], in bytes of visible ASCII.
const MaxCursor = 256

// MaxText is the longest reference or reason, in bytes.
const MaxText = 256

// ErrSetup is an error of a call that will not succeed until somebody changes something: an
// address without a bridge behind it, a wrong secret, a missing table. Nothing is known of what
// was asked, as with any other error.
var ErrSetup = errors.New("the bridge is not set up right")

// Line is units of one product. Variants that sell from one pool are lines of their own: only the
// system knows what they share.
type Line struct {
	SKU   exchange.SKU
	Units int64 // 1 to exchange.MaxQuantity
}

// Ask asks the system to set the lines aside, all or none.
type Ask struct {
	ID      exchange.HoldID
	Partner exchange.ShopID // who wants them; the shop itself where its own channels do
	Lines   []Line          // 1 to exchange.MaxLines, each SKU once; their order means nothing
	Expires exchange.Time   // when the hold ends at the node, unless it is extended; the system ends nothing by it
}

// Ref names an ask that becomes an order.
type Ref struct {
	ID        exchange.HoldID
	Reference string // the order's, for people; may be empty
}

// Part gives units of an ask back: of a hold that ended, or of an order that was cancelled.
type Part struct {
	ID     exchange.HoldID
	Seq    uint32 // numbers the parts of one ID: the system does each once, in any order
	Lines  []Line // none = everything that is still set aside; never more than that is given back
	Reason string // for people
}

// Problem says why an answer is no. The zero Problem is none: the goods are short.
type Problem string

// What a system answers beside yes and short.
const (
	Missing   Problem = "missing"    // nothing is set aside under the ID: it was refused, given back, or never asked
	KeyReused Problem = "key_reused" // the ID came before with other lines
	Busy      Problem = "busy"       // not now, and nothing was done: ask again with the same ID
)

// Answer is what the system says to one ask, reference or part.
type Answer struct {
	ID      exchange.HoldID
	OK      bool
	Problem Problem          // where OK is false
	Short   []exchange.Short // where OK is false and Problem is none: every line that is short
}

// Change says how many units of a product the system would still set aside.
type Change struct {
	SKU  exchange.SKU
	Free int64 // ≥ 0
	At   exchange.Time
}

// Page is a page of changes, at most MaxBatch.
type Page struct {
	Changes []Change
	Next    string // since, of the next call; at most MaxCursor bytes
	More    bool   // Next has something already
	Gap     bool   // the system does not know since (any more): read everything anew, from ""
}

// State is where an ask stands at the system.
type State string

// The states of an ask at the system.
const (
	Held      State = "held"
	Committed State = "committed"
	Released  State = "released"
	Refused   State = "refused"
)

// Standing is one ask as the system has it.
type Standing struct {
	ID    exchange.HoldID
	State State  // Held or Committed
	Lines []Line // what is still set aside, at least one line
}

// Bridge is a shop's own system, asked by its node. An error of any call means that nothing is
// known of what it was to do: the node asks again, or gives back. Without an error there is exactly
// one Answer for each element, in any order ([CheckAnswers]). The IDs of one call differ, and there
// are 1 to MaxBatch. A system is safe for concurrent use.
//
// An ask is unknown, then held or refused; held, then committed; either, then released, once all
// of it is given back. The system keeps the state of every ID: a repeated call changes nothing and
// is answered from it. A refused ID stays refused, and no hold ends but by Release. Package
// node/bridge/conformance tries all of this on an implementation.
type Bridge interface {
	// Hold sets aside. A repeat with the same lines is answered yes while the ask is held or
	// committed, else no.
	Hold(ctx context.Context, asks []Ask) ([]Answer, error)
	// Commit says that asks become orders: from yes on the goods are the order's. It is yes again
	// for a committed ask, and Missing for one that is neither held nor committed.
	Commit(ctx context.Context, refs []Ref) ([]Answer, error)
	// Release gives back, and is answered yes whatever there was to give. Of an ID that was never
	// asked it leaves a mark, so that the ask, should it come late, is refused.
	Release(ctx context.Context, parts []Part) ([]Answer, error)
	// Changes are what became free or was taken since an earlier call; "" = everything. They are
	// for the catalog only: a change may be told twice, and its figure is the present one.
	Changes(ctx context.Context, since string) (Page, error)
	// Open are the asks that are held or committed, by ID, after one: as many as the system likes,
	// none at the end.
	Open(ctx context.Context, after exchange.HoldID) ([]Standing, error)
}
