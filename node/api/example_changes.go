package api

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/node/api/view"
)

// ledgers shows the ledger in which Birch Bikes buys from Acorn Shoes, and what has changed at Birch.
func (s *story) ledgers(all exampleSet) {
	hash := func(position string) string {
		sum := sha256.Sum256([]byte(position))
		return hex.EncodeToString(sum[:])
	}
	terms := termsView(exchange.DefaultTerms("EUR"))
	all["list-ledger"] = example{
		params: map[string]any{"shop": s.acorn.String(), "direction": view.Buy},
		answer: view.LedgerEntries{
			Partner: s.acorn, Direction: view.Buy, Position: 4, Hash: hash("4"), Entries: []view.LedgerEntry{
				{Position: 1, At: s.at(-time.Hour), Kind: "propose", By: "self", Hash: hash("1"), Number: 1, Terms: &terms},
				{Position: 2, At: s.at(-time.Hour), Kind: "accept-terms", By: "partner", Hash: hash("2"), Version: 1, Proposal: hash("1")},
				{
					Position: 3, At: s.at(4 * time.Minute), Kind: "order", By: "self", Hash: hash("3"), Number: 2, Version: 1,
					Order: s.order, Lines: []view.Units{{SKU: shoeSKU, Units: 2}}, Total: &s.quote.Total,
				},
				{Position: 4, At: s.at(4 * time.Minute), Kind: "accept", By: "partner", Hash: hash("4"), Version: 1, Order: s.order},
			},
		},
	}
	all["compare-ledger"] = example{
		params: map[string]any{"shop": s.acorn.String()},
		answer: view.LedgerComparisons{Partner: s.acorn, Ledgers: []view.LedgerComparison{{
			Direction: view.Buy, State: "equal", Here: view.LedgerPlace{Position: 4, Hash: hash("4")}, There: &view.LedgerPlace{Position: 4, Hash: hash("4")},
		}}},
	}
	cursor := func(number uint64) string {
		at := exchange.TimeOf(s.at(5 * time.Minute))
		c := changesCursor{Has: event.Point{ID: event.ID{At: at, Number: number}, Written: at}, Done: true}
		c.Feed.Epoch, c.Feed.Sequence = uint64(at), 3
		return c.String()
	}
	all["list-changes"] = example{
		params: map[string]any{"since": cursor(41)},
		answer: view.Changes{
			Products: []view.ChangedProduct{{ID: exchange.ProductID{Shop: s.birch, SKU: "BELL-BRASS"}, Removed: true}},
			Orders:   []view.Order{s.placed}, Sales: []view.Sale{}, Next: cursor(42),
		},
	}
}
