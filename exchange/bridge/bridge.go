package bridge

import (
	"context"

	"github.com/souk-market/souk/exchange"
)

// MaxBatch is the most asks, references or parts of one call.
const MaxBatch = 100

// Line is units of one product. Variants that sell from one pool are lines of their own: what they
// have in common only the system knows.
type Line struct {
	SKU   exchange.SKU
	Units int64 // ≥ 1
}

// Ask asks the system to set the lines aside, all or none.
type Ask struct {
	ID      exchange.HoldID
	Partner exchange.ShopID // who wants them; the shop itself where its own channels do
	Lines   []Line          // 1 to exchange.MaxLines
	Expires exchange.Time   // when the hold ends at the node, unless it is extended; the system ends nothing by it
}

// Ref names an ask that became an order.
type Ref struct {
	ID        exchange.HoldID
	Reference string // the order's, for people; may be empty
}

// Part gives units of an ask back: of a hold that ended, or of an order that was cancelled.
type Part struct {
	ID     exchange.HoldID
	Seq    uint32 // numbers the parts of one ID: the system does each once
	Lines  []Line // none = everything that is still set aside
	Reason string // for people
}

// Problem says why an answer is no. The zero Problem is none: the goods are short.
type Problem string

// What a system answers beside yes and short.
const (
	Missing   Problem = "missing"    // a commit: the goods are not set aside
	KeyReused Problem = "key_reused" // the ID came before with other lines
	Busy      Problem = "busy"       // not now, and nothing was done: ask again with the same ID
)

// Answer is what the system says to one ask, reference or part.
type Answer struct {
	ID      exchange.HoldID
	OK      bool
	Problem Problem          // where OK is false
	Short   []exchange.Short // where OK is false: every line that is short
}

// Change says how many units of a product the system would still set aside.
type Change struct {
	SKU  exchange.SKU
	Free int64
	At   exchange.Time
}

// Page is a page of changes.
type Page struct {
	Changes []Change
	Next    string // since, of the next call
	More    bool   // Next has something already
	Gap     bool   // since is older than what the system remembers: read everything anew, from ""
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
	State State // Held or Committed
	Lines []Line
}

// Bridge is a shop's own system, asked by its node. An error of any call means that nothing is
// known: the node asks again, or gives back. An answer without an error has exactly one Answer for
// each element, in any order.
//
// The system keeps its answer to every ID, so that a repeat changes nothing; a refused ID stays
// refused; it never ends a hold by itself. The rules are in the design, part SHELF, 7 and 10;
// package node/bridge/bridgetest tries an implementation with them.
type Bridge interface {
	// Hold sets aside. The answer to an ID with the same lines is what it was the first time.
	Hold(ctx context.Context, asks []Ask) ([]Answer, error)
	// Commit says that orders were made of asks: from then on the goods are the orders'.
	Commit(ctx context.Context, refs []Ref) ([]Answer, error)
	// Release gives back. Of an ID that was never asked it leaves a mark, so that the ask, should it
	// come late, is refused.
	Release(ctx context.Context, parts []Part) ([]Answer, error)
	// Changes are what became free or was taken since a call before; "" = everything.
	Changes(ctx context.Context, since string) (Page, error)
	// Open are the asks that are held or committed and not given back, by ID, after one.
	Open(ctx context.Context, after exchange.HoldID) ([]Standing, error)
}
