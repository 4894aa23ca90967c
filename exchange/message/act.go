package message

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/order"
)

// Act is what a ledger entry does: something the retailer requested, or the
// supplier did on its own. Which side may do which is in allowed.
type Act interface{ act() }

type (
	// ProposeTerms offers terms; either side.
	ProposeTerms struct{ Terms exchange.Terms }
	// AcceptTerms puts the proposal carried by the entry with this hash into force; either side.
	AcceptTerms struct{ Proposal ledger.Hash }
	// DeclineTerms closes it; either side.
	DeclineTerms struct{ Proposal ledger.Hash }
	// EndTrade ends the partnership; either side, never refused.
	EndTrade struct{ Reason string }
	// SubmitOrder commits a hold; retailer. Quote is the sealed answer that
	// quoted it, so that the ledger holds both signatures. ShipTo is
	// SHA-256(salt ‖ encoded ship-to).
	SubmitOrder struct {
		Order  exchange.OrderID
		Quote  []byte
		ShipTo [32]byte
	}
	// CancelOrder cancels unshipped units; either side. No lines means everything open.
	CancelOrder struct {
		Order  exchange.OrderID
		Lines  []order.Units
		Reason string
	}
	// AcceptOrder binds the supplier; supplier.
	AcceptOrder struct{ Order exchange.OrderID }
	// RejectOrder turns a submitted order down; supplier.
	RejectOrder struct {
		Order  exchange.OrderID
		Reason string
	}
	// ShipOrder sends units on their way; supplier. No lines means everything open.
	ShipOrder struct {
		Order    exchange.OrderID
		Lines    []order.Units
		Carrier  string
		Tracking string
	}
	// DeliverOrder marks units as arrived; supplier. No lines means everything shipped.
	DeliverOrder struct {
		Order exchange.OrderID
		Lines []order.Units
	}
	// ExpireOrder ends an order that was not accepted in time; supplier.
	ExpireOrder struct{ Order exchange.OrderID }
)

func (ProposeTerms) act() {}
func (AcceptTerms) act()  {}
func (DeclineTerms) act() {}
func (EndTrade) act()     {}
func (SubmitOrder) act()  {}
func (CancelOrder) act()  {}
func (AcceptOrder) act()  {}
func (RejectOrder) act()  {}
func (ShipOrder) act()    {}
func (DeliverOrder) act() {}
func (ExpireOrder) act()  {}

// MaxReason bounds reasons, carriers and tracking codes, in bytes.
const MaxReason = 255

// Request is the payload of a SignedRequest: what the retailer asks the
// supplier to enter into their ledger.
type Request struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Number   uint64 // 1, 2, 3 … per ledger
	At       exchange.Time
	Act      Act
}

// Entry is the payload of a sealed ledger entry. Exactly one of Request and Own
// is set.
type Entry struct {
	ledger.Link
	Request *SignedRequest // the request answered, its exact bytes
	Outcome exchange.Code  // CodeOK, or why the request was refused
	Detail  string         // for a person, where Outcome is a refusal
	Terms   uint32         // the version in force after it; 0 = none
	Own     Act            // the supplier's own act
}

// ShipToHash ties an address to its signed order (design: Holds and orders): SHA-256 of
// salt and the encoded ship-to.
func ShipToHash(salt [16]byte, shipTo []byte) [32]byte {
	return Digest(append(bytes.Clone(salt[:]), shipTo...))
}
