package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
)

// Changes are the own products, the orders and the own sales that have changed since a cursor, as they stand now.
type Changes struct {
	Products []ChangedProduct `json:"products" nullable:"false"`
	Orders   []Order          `json:"orders" nullable:"false" doc:"Of either role. One may come twice, if it changes while changes are read."`
	Sales    []Sale           `json:"sales" nullable:"false" doc:"Of the shop's own channels; as orders."`
	Next     string           `json:"next" doc:"Give it as since, now if there is more, else when you want to know again. It stays good over restarts."`
	More     bool             `json:"more" doc:"There is more already."`
}

// ChangedProduct is one of the shop's own products that has changed.
type ChangedProduct struct {
	ID      exchange.ProductID `json:"id"`
	Removed bool               `json:"removed,omitempty" doc:"It is not for sale."`
	Product *Product           `json:"product,omitempty" doc:"As it stands now; absent of one that is removed."`
}

// LedgerEntries are entries of a ledger, by position.
type LedgerEntries struct {
	Partner   exchange.ShopID `json:"partner"`
	Direction string          `json:"direction" enum:"sell,buy"`
	Position  uint64          `json:"position" doc:"Of the last entry that this shop has; 0 = none."`
	Hash      string          `json:"hash" doc:"Of the last entry: 64 hexadecimal digits."`
	Entries   []LedgerEntry   `json:"entries" nullable:"false"`
	Next      uint64          `json:"next,omitempty" doc:"Give it as after for the entries that follow; absent at the end."`
}

// LedgerEntry is one entry of a ledger, and what it says.
type LedgerEntry struct {
	Position uint64    `json:"position"`
	At       time.Time `json:"at" doc:"By the supplier's clock."`
	Kind     string    `json:"kind" enum:"propose,accept-terms,decline,end,order,accept,reject,ship,deliver,cancel,expire"`
	By       string    `json:"by" enum:"self,partner"`
	Hash     string    `json:"hash" doc:"SHA-256 of the entry as it was sealed; the next entry states it."`
	Number   uint64    `json:"number,omitempty" doc:"Of the retailer's request that the entry answers."`
	Refusal  *Refusal  `json:"refusal,omitempty" doc:"The supplier refused the request; the entry changed nothing."`
	Version  uint32    `json:"version,omitempty" doc:"Of the terms in force after the entry."`

	Order    exchange.OrderID `json:"order,omitzero"`
	Lines    []Units          `json:"lines,omitempty" nullable:"false" doc:"Of ship, deliver and cancel: the units; absent where they are all that were open. Of order: the units ordered."`
	Total    *Money           `json:"total,omitempty" doc:"Of order: by the quote."`
	Carrier  string           `json:"carrier,omitempty"`
	Tracking string           `json:"tracking,omitempty"`
	Reason   string           `json:"reason,omitempty"`
	Terms    *Terms           `json:"terms,omitempty" doc:"Of propose."`
	Proposal string           `json:"proposal,omitempty" doc:"Of accept-terms and decline: the hash of the proposal's entry."`
}

// LedgerComparisons are the ledgers with a partner, as the two shops have them now.
type LedgerComparisons struct {
	Partner exchange.ShopID    `json:"partner"`
	Ledgers []LedgerComparison `json:"ledgers" nullable:"false"`
}

// LedgerComparison is one ledger as the two shops have it now.
type LedgerComparison struct {
	Direction string       `json:"direction" enum:"sell,buy"`
	State     string       `json:"state" enum:"equal,behind,ahead,diverged,unreachable,refused" doc:"behind: the partner has entries that this shop lacks; ahead: the other way round; both pass by themselves while entries are on their way. diverged: the two have different entries at one position. unreachable, refused: the partner did not say, and refusal is why."`
	Here      LedgerPlace  `json:"here"`
	There     *LedgerPlace `json:"there,omitempty" doc:"Absent where the partner did not say."`
	Refusal   *Refusal     `json:"refusal,omitempty"`
}

// LedgerPlace is where a ledger ends.
type LedgerPlace struct {
	Position uint64 `json:"position"`
	Hash     string `json:"hash,omitempty" doc:"Of the last entry; absent where there is none, or it was not told."`
}
