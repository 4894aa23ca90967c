package trade

import "github.com/souk-market/souk/exchange"

// Members is what trade asks of the member list.
type Members interface {
	// IsMember reports whether shop is in the list and has not departed.
	IsMember(shop exchange.ShopID) bool
	// MayTakeOn reports nil where the list is fresh enough for new partnerships,
	// else CodeFreshness or CodeFrozen.
	MayTakeOn() error
	// MayTrade reports nil where existing partners may hold and order, else
	// CodeFreshness: the owner has set an age of the list at which that halts. It is
	// asked for every hold, so it must be quick.
	MayTrade() error
}
