package view

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/inventory"
)

// ImportReport says what became of a product file and of the catalog.
type ImportReport struct {
	inventory.Report
	DryRun    bool  `json:"dry_run"`
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	StockOnly int64 `json:"stock_only" doc:"Only the stock changed."`
	Unchanged int64 `json:"unchanged"`

	Withdrawn     int64          `json:"withdrawn" doc:"Were for sale, and are not any more: no partner can hold them. Open holds and orders keep their quotes."`
	WithdrawnSKUs []exchange.SKU `json:"withdrawn_skus,omitempty" nullable:"false" doc:"The first of the withdrawn products."`
	Returned      int64          `json:"returned" doc:"Were withdrawn, and are for sale again."`
	KeptRemoved   int64          `json:"kept_removed" doc:"For sale by the file; you have removed them, so they stay off sale."`
	BadOnSale     int64          `json:"bad_on_sale" doc:"Of withdrawn: their row cannot be sold as it stands."`
	Absent        int64          `json:"absent" doc:"Of withdrawn: the file does not name them."`
	Renamed       int64          `json:"renamed" doc:"Of added: variants that took the place of one that went, and sell from its stock."`
	Conflicts     int64          `json:"conflicts" doc:"Of error_count: another product has the SKU."`
	NotCounted    int64          `json:"not_counted" doc:"For sale, and nobody can buy them: neither the file nor you count them."`
	SoldOut       int64          `json:"sold_out" doc:"For sale, counted, and none is available."`
	Shortfalls    int64          `json:"shortfalls" doc:"Products of which more is promised than there is, by the file's figures."`
	Older         bool           `json:"older,omitempty" doc:"The file is surely older than the last one of its source, by as_of: nothing was changed."`
	Unknown       int64          `json:"unknown" doc:"Of stock_only_items: the shop does not have them, so nothing was told of them. Import the products first."`
	UnknownSKUs   []string       `json:"unknown_skus,omitempty" nullable:"false" doc:"The first of the unknown products."`

	Stock StockReport `json:"stock" doc:"How the file's stock figures were read."`

	UntrackedKept int64 `json:"untracked_kept" doc:"Of untracked: those that keep stock they have from before."`
	UntoldKept    int64 `json:"untold_kept" doc:"Of stock_untold: those that keep stock they have from before."`

	Outcome inventory.Outcome `json:"outcome" doc:"What the file comes to, in numbers and words."`
}

// Known is what the catalog knows of the file's items.
func (r *ImportReport) Known() inventory.Known {
	return inventory.Known{DryRun: r.DryRun, UntrackedKept: r.UntrackedKept, UntoldKept: r.UntoldKept, Removed: r.KeptRemoved, Unknown: r.Unknown}
}

// StockReport says how a file's stock figures were read.
type StockReport struct {
	Source       string           `json:"source" doc:"The system or file, by whose name its settings are kept."`
	Figure       inventory.Figure `json:"figure" enum:",on-hand,free,free-unaware" doc:"What its stock figure means; empty = nobody has said, and the least of the three was taken."`
	AsOf         time.Time        `json:"as_of,omitzero" doc:"When that system was read, as stated."`
	BookedWithin string           `json:"booked_within" doc:"How soon that system books Souk's orders."`
	ClockSlack   string           `json:"clock_slack" doc:"How far its clock and this shop's may be apart."`
	Older        int64            `json:"older" doc:"Products whose figure is older than what is known, and changed nothing."`
	Doubted      int64            `json:"doubted" doc:"Products whose figure may be older than what is known, and could only lower."`
	Differ       int64            `json:"differ" doc:"Products for which it matters what the figure means."`
	Lowered      int64            `json:"lowered" doc:"Of them: less is available than another meaning would leave."`
	Ordered      int64            `json:"ordered" doc:"Units ordered through Souk that the file may not know."`
	Readings     []StockReading   `json:"readings,omitempty" nullable:"false" doc:"What each meaning makes available, of the first products for which it matters."`
}

// StockReading is what each meaning of one figure makes available; below zero, more is promised
// than there is.
type StockReading struct {
	SKU         exchange.SKU `json:"sku"`
	Units       int64        `json:"units" doc:"The figure in the file."`
	OnHand      int64        `json:"on_hand"`
	Free        int64        `json:"free"`
	FreeUnaware int64        `json:"free_unaware"`
	Taken       int64        `json:"taken" doc:"What is available after the import."`
}

// ImportRecord is one line of a streamed import: progress, again and again, then
// the report or the problem.
type ImportRecord struct {
	Progress *ImportProgress `json:"progress,omitempty"`
	Report   *ImportReport   `json:"report,omitempty"`
	Problem  *Problem        `json:"problem,omitempty"`
}

// ImportProgress is how far an import has read.
type ImportProgress struct {
	Bytes int64 `json:"bytes"`
	Rows  int64 `json:"rows"`
}

// ParseMoment reads a moment: RFC 3339, "now", or so long before now as in "-5m".
func ParseMoment(s string, now time.Time) (time.Time, error) {
	if s == "now" {
		return now, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d <= 0 {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, exchange.Errorf(exchange.CodeInvalid, "%.40q is not a moment such as 2030-06-01T12:00:00Z, now or -5m", s)
	}
	return t, nil
}
