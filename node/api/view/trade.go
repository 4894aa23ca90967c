package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// Directions of trade, as the owner says them.
const (
	Sell = "sell" // this shop supplies
	Buy  = "buy"  // this shop retails
	Both = "both" // two partnerships
)

// Partnership is one direction of trade with a partner.
type Partnership struct {
	Partner     exchange.ShopID `json:"partner"`
	PartnerName string          `json:"partner_name"`
	Direction   string          `json:"direction" enum:"sell,buy" doc:"sell: this shop supplies the partner; buy: the partner supplies this shop."`
	Status      string          `json:"status" enum:"none,queued,proposed,declined,active,ending,ended,revoked,left" doc:"queued: a request of this shop's waits to reach the supplier; ending: this shop has ended it, and that is not in the ledger yet; revoked, left: the partner is out of the federation, and with it everything that was not over between the two shops."`
	Gone        *Gone           `json:"gone,omitempty" doc:"How the partner went, where it is out of the federation."`
	Terms       *Terms          `json:"terms,omitempty" doc:"In force, or the last that were."`
	Version     uint32          `json:"version,omitempty" doc:"Of the terms; quotes name it."`
	Since       time.Time       `json:"since,omitzero"`
	Ended       time.Time       `json:"ended,omitzero" doc:"Where it is ending: when this shop ended it."`
	EndedBy     string          `json:"ended_by,omitempty" enum:"self,partner"`
	EndReason   string          `json:"end_reason,omitempty" doc:"What was said with the end."`
	Proposal    *Proposal       `json:"proposal,omitempty" doc:"The one open proposal."`
	Declined    *Declined       `json:"declined,omitempty" doc:"What became of the newest proposal, where it was declined, withdrawn or closed by an end."`
	Queued      string          `json:"queued,omitempty" doc:"This shop's request that waits for the supplier: propose, accept, decline or end; withdraw: a proposal that it does not have yet and that is withdrawn as soon as it has."`
	Refusal     *Refusal        `json:"refusal,omitempty" doc:"The supplier's no to the last such request."`
	OpenUnits   int64           `json:"open_units" doc:"As supplier: units held and unshipped."`
	Ledger      Ledger          `json:"ledger"`
}

// Ledger says where this shop's copy of the two shops' ledger stands.
type Ledger struct {
	Position uint64 `json:"position" doc:"Entries."`
	Hash     string `json:"hash" doc:"Of the last entry, in hex; equal positions have equal hashes at both shops."`
	Acked    uint64 `json:"acked" doc:"As supplier: entries the retailer has countersigned."`
	Waiting  uint64 `json:"waiting" doc:"As retailer: requests not yet answered."`
	Frozen   bool   `json:"frozen" doc:"Frozen as evidence of two histories."`
}

// Declined is a proposal that was closed without coming into force.
type Declined struct {
	ID string    `json:"id" doc:"The proposal's."`
	Of string    `json:"of" enum:"self,partner" doc:"Whose proposal it was."`
	By string    `json:"by" enum:"self,partner" doc:"Who closed it; a proposer withdraws."`
	At time.Time `json:"at"`
}

// Proposal is terms that one side offers.
type Proposal struct {
	ID    string    `json:"id" doc:"Names exactly these terms; an accept or decline repeats it."`
	By    string    `json:"by" enum:"self,partner"`
	Terms Terms     `json:"terms"`
	At    time.Time `json:"at"`
}

// Terms are what a supplier and a retailer agree on.
type Terms struct {
	DiscountBP     uint32            `json:"discount_bp" doc:"Off the list price, in basis points: 1500 is 15%."`
	Currency       exchange.Currency `json:"currency"`
	HoldSeconds    float64           `json:"hold_seconds" doc:"Longest life of a reservation, extensions included."`
	OpenQuantity   int64             `json:"open_quantity" doc:"Most units held and unshipped at once."`
	AcceptSeconds  float64           `json:"accept_seconds" doc:"An order not accepted within expires."`
	Cancel         string            `json:"cancel" enum:"until-shipped,until-accepted,never"`
	Countries      []string          `json:"countries" nullable:"false" doc:"ISO 3166-1 alpha-2; empty: wherever the supplier ships."`
	Feed           string            `json:"feed"`
	SettlementDays uint32            `json:"settlement_days" doc:"From delivery until payment is due."`
}

// Propose offers a partner terms. What is not given has its default.
type Propose struct {
	Partner   exchange.ShopID `json:"partner"`
	Direction string          `json:"direction" enum:"sell,buy,both" doc:"both: two proposals, one each way; both are made, or none."`
	Terms     ProposedTerms   `json:"terms,omitzero"`
	BuyTerms  *ProposedTerms  `json:"buy_terms,omitempty" doc:"With direction both: the terms of buying, where they are others than terms."`
}

// ProposedTerms are Terms of which any part may be left out.
type ProposedTerms struct {
	DiscountBP     uint32            `json:"discount_bp,omitempty" maximum:"10000" doc:"Default 0."`
	Currency       exchange.Currency `json:"currency,omitempty" doc:"Default: the supplier's own."`
	HoldSeconds    float64           `json:"hold_seconds,omitempty" minimum:"0" maximum:"604800" doc:"Default 1800."`
	OpenQuantity   int64             `json:"open_quantity,omitempty" minimum:"0" maximum:"1000000000" doc:"Default: to sell, the units that this shop has available now; 1000 where it counts none or a product is not counted; to buy, 1000."`
	AcceptSeconds  float64           `json:"accept_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"Default 172800."`
	Cancel         string            `json:"cancel,omitempty" enum:"until-shipped,until-accepted,never" doc:"Default until-shipped."`
	Countries      []string          `json:"countries,omitempty" nullable:"false" maxItems:"250" doc:"ISO 3166-1 alpha-2; default: wherever the supplier ships."`
	SettlementDays *uint32           `json:"settlement_days,omitempty" maximum:"365" doc:"Default 30."`
}

// Answer accepts or declines a proposal.
type Answer struct {
	Proposal string `json:"proposal" minLength:"64" maxLength:"64" doc:"Its id, as listed: the terms you have seen."`
}

// Withdraw takes back this shop's own proposals to a partner.
type Withdraw struct {
	Direction string `json:"direction,omitempty" enum:"sell,buy,both" doc:"Default both."`
}

// End ends trade with a partner.
type End struct {
	Direction string `json:"direction,omitempty" enum:"sell,buy,both" doc:"Default both."`
	Reason    string `json:"reason,omitempty" maxLength:"255" doc:"The partner reads it."`
}

// Partnerships lists partnerships.
type Partnerships struct {
	Partnerships []Partnership `json:"partnerships" nullable:"false"`
}
