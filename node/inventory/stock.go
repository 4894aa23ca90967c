package inventory

import (
	"strconv"

	"github.com/souk-market/souk/exchange"
)

// Untracked is what an owner says of products that their file does not count.
// The zero value says nothing: what is there stays, and a new product has none,
// the one answer that can oversell nothing.
type Untracked struct {
	said      bool
	unlimited bool
	units     int64
}

// UntrackedUnavailable says that what is not counted is for nobody.
var UntrackedUnavailable = Untracked{said: true}

// UntrackedUnlimited says that what is not counted is never short: digital
// goods, made to order.
var UntrackedUnlimited = Untracked{said: true, unlimited: true}

// UntrackedUnits says that n units, 0 to MaxStock, of each are at hand.
func UntrackedUnits(n int64) (Untracked, error) {
	if n < 0 || n > MaxStock {
		return Untracked{}, exchange.Errorf(exchange.CodeInvalid, "untracked stock is 0 to %d units, not %d", MaxStock, n)
	}
	return Untracked{said: true, units: n}, nil
}

// Said reports whether the owner has said anything.
func (u Untracked) Said() bool { return u.said }

// ParseUntracked reads "unavailable", "unlimited" or a number of units; "" says nothing.
func ParseUntracked(s string) (Untracked, error) {
	switch s {
	case "":
		return Untracked{}, nil
	case "unavailable":
		return UntrackedUnavailable, nil
	case "unlimited":
		return UntrackedUnlimited, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return Untracked{}, exchange.Errorf(exchange.CodeInvalid, "untracked stock is unavailable, unlimited or a number of units, not %.40q", s)
	}
	return UntrackedUnits(n)
}

// String is what ParseUntracked reads.
func (u Untracked) String() string {
	switch {
	case u.unlimited:
		return "unlimited"
	case u.units > 0:
		return strconv.FormatInt(u.units, 10)
	case u.said:
		return "unavailable"
	}
	return ""
}

// Available is what the shop has by its file and its owner's word: the count if
// the file tells it; nothing if there is a count that the file does not tell;
// else u.
func (s Stock) Available(u Untracked) exchange.Availability {
	switch {
	case s.Known:
		return exchange.Availability{Units: max(s.Units, 0)}
	case s.Tracked:
		return exchange.Availability{}
	}
	return exchange.Availability{Unlimited: u.unlimited, Units: u.units}
}

// counted is the stock of a product whose count the file tells.
func counted(units int64) Stock { return Stock{Tracked: true, Known: true, Units: units} }

var (
	notCounted   = Stock{}
	countNotTold = Stock{Tracked: true}
)
