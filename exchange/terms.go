package exchange

import (
	"slices"
	"time"
)

// CancelRule says until when a retailer may cancel what it ordered.
type CancelRule uint32

const (
	CancelUntilShipped  CancelRule = 1 // any unshipped quantity (the default)
	CancelUntilAccepted CancelRule = 2 // only while the order is SUBMITTED
	CancelNever         CancelRule = 3
)

func (r CancelRule) String() string {
	switch r {
	case CancelUntilShipped:
		return "until-shipped"
	case CancelUntilAccepted:
		return "until-accepted"
	case CancelNever:
		return "never"
	}
	return "unknown"
}

// Check reports a rule that this version does not know.
func (r CancelRule) Check() error {
	if r < CancelUntilShipped || r > CancelNever {
		return Errorf(CodeInvalid, "cancel rule %d is unknown", uint32(r))
	}
	return nil
}

// Terms are what one supplier and one retailer agreed on for one direction of
// trade. Quotes pin the version they were made under.
type Terms struct {
	Discount       BasisPoints   // off the list price, 0 to Whole
	Currency       Currency      // in which is settled: the supplier's native one
	HoldLifetime   time.Duration // longest a hold may live, extensions included; 10 s to 7 days
	OpenQuantity   int64         // most units held + unshipped at once; 1 to 1e9
	AcceptWithin   time.Duration // a submitted order that is not accepted by then expires; 1 min to 30 days
	Cancel         CancelRule
	Countries      []string // ISO 3166-1 alpha-2 the retailer may ship to, sorted; empty = wherever the supplier ships
	Feed           string   // which of the supplier's catalogs; "main" is the only one so far
	SettlementDays uint32   // days after delivery until payment is due; 0 to 365
}

// Bounds of Terms.
const (
	MinHoldLifetime   = 10 * time.Second
	MaxHoldLifetime   = 7 * 24 * time.Hour // WindowsKept − 1 windows of a day: a hold's record outlives the hold
	MinAcceptWithin   = time.Minute
	MaxAcceptWithin   = 30 * 24 * time.Hour
	MaxOpenQuantity   = 1_000_000_000
	MaxSettlementDays = 365
	MaxCountries      = 250
	MainFeed          = "main"
)

// DefaultHold is how long a hold lives where nobody says: half of what the terms allow, so that it
// can be extended once by as much. It is never below MinHoldLifetime.
func (t Terms) DefaultHold() time.Duration {
	half := t.HoldLifetime / 2
	return max(half.Truncate(time.Millisecond), MinHoldLifetime)
}

// DefaultTerms are proposed where the owner says nothing. A hold lives a quarter of an hour under
// them, and half an hour if it is extended.
func DefaultTerms(c Currency) Terms {
	return Terms{
		Discount: 0, Currency: c, HoldLifetime: 30 * time.Minute, OpenQuantity: 1000,
		AcceptWithin: 48 * time.Hour, Cancel: CancelUntilShipped, Feed: MainFeed, SettlementDays: 30,
	}
}

// Check reports the first term that is out of bounds.
func (t Terms) Check() error {
	if t.Discount > Whole {
		return Errorf(CodeInvalid, "a discount is 0 to 100%%, not %.2f%%", float64(t.Discount)/100)
	}
	if err := t.Currency.Check(); err != nil {
		return err
	}
	if t.HoldLifetime < MinHoldLifetime || t.HoldLifetime > MaxHoldLifetime || t.HoldLifetime%time.Millisecond != 0 {
		return Errorf(CodeInvalid, "a hold lives %s to %s at most, not %s", Span(MinHoldLifetime), Span(MaxHoldLifetime), Span(t.HoldLifetime))
	}
	if t.OpenQuantity < 1 || t.OpenQuantity > MaxOpenQuantity {
		return Errorf(CodeInvalid, "an open quantity is 1 to %d units, not %d", MaxOpenQuantity, t.OpenQuantity)
	}
	if t.AcceptWithin < MinAcceptWithin || t.AcceptWithin > MaxAcceptWithin || t.AcceptWithin%time.Millisecond != 0 {
		return Errorf(CodeInvalid, "the time to accept an order is %s to %s, not %s", Span(MinAcceptWithin), Span(MaxAcceptWithin), Span(t.AcceptWithin))
	}
	if err := t.Cancel.Check(); err != nil {
		return err
	}
	if err := CheckCountries(t.Countries); err != nil {
		return err
	}
	if t.Feed != MainFeed {
		return Errorf(CodeInvalid, "there is no feed %q; use %q", t.Feed, MainFeed)
	}
	if t.SettlementDays > MaxSettlementDays {
		return Errorf(CodeInvalid, "settlement is due within %d days at most, not %d", MaxSettlementDays, t.SettlementDays)
	}
	return nil
}

// ShipsTo reports whether the terms let the retailer sell to a country.
func (t Terms) ShipsTo(country string) bool {
	if len(t.Countries) == 0 {
		return true
	}
	_, ok := slices.BinarySearch(t.Countries, country)
	return ok
}

// CheckCountry reports a code that is not two letters A–Z (ISO 3166-1 alpha-2).
func CheckCountry(c string) error {
	if len(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z' {
		return Errorf(CodeInvalid, "%q is not a country code such as SE", c)
	}
	return nil
}

// CheckCountries reports a list that is too long, unsorted, holds a country twice or a bad code.
func CheckCountries(list []string) error {
	if len(list) > MaxCountries {
		return Errorf(CodeInvalid, "%d countries are more than %d", len(list), MaxCountries)
	}
	for i, c := range list {
		if err := CheckCountry(c); err != nil {
			return err
		}
		if i > 0 && list[i-1] >= c {
			return Errorf(CodeInvalid, "countries are sorted and each stands once; %s does not", c)
		}
	}
	return nil
}
