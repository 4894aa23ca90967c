package record

import (
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
)

// Stock is the counts of one product, or of a pool.
type Stock struct {
	Stock  hold.Stock
	Moves  uint64 // number of the newest movement in the journal
	Pruned uint64 // number of the newest movement that was deleted; 0 = none
	// Shared reports that other products than the one it is named for sell from it. It stays
	// when they leave.
	Shared bool
	// Gone is how many units movements have ever told that were sold or damaged: those that the
	// journal does not have any more may have gone at any time.
	Gone int64
	// Left is how many units of own sales have left, ever. They are taken off Stocked and Sold.
	Left int64
	// Keep is how many units are kept back from partners, Share how many one partner may hold.
	Keep, Share Bound
	// Shares is what each partner holds, of holds that were counted against a share; nil = nothing.
	// A change makes a new one.
	Shares *Shares
}

// Shares is what partners hold of a stock: sorted by partner, none with 0.
type Shares []Share

// Bound is a number of units; where it is not Set, the shop's default is meant.
type Bound struct {
	Set   bool
	Units int64
}

// Or is the bound where it is set, else the shop's default.
func (b Bound) Or(other int64) int64 {
	if b.Set {
		return b.Units
	}
	return other
}

// Share is what one partner holds of a stock.
type Share struct {
	Partner exchange.ShopID
	Held    int64
}

// HeldBy is what a partner holds of the stock, as far as it was counted against a share.
func (s *Stock) HeldBy(partner exchange.ShopID) int64 {
	if s.Shares == nil {
		return 0
	}
	for _, share := range *s.Shares {
		if share.Partner == partner {
			return share.Held
		}
	}
	return 0
}

// AddShare counts units of a partner's holds, or takes them off (< 0).
func (s *Stock) AddShare(partner exchange.ShopID, units int64) {
	var list Shares
	if s.Shares != nil {
		list = slices.Clone(*s.Shares)
	}
	i, found := slices.BinarySearchFunc(list, partner, func(s Share, p exchange.ShopID) int { return s.Partner.Compare(p) })
	if !found {
		list = slices.Insert(list, i, Share{Partner: partner})
	}
	if list[i].Held += units; list[i].Held == 0 {
		list = slices.Delete(list, i, i+1)
	}
	s.Shares = &list
	if len(list) == 0 {
		s.Shares = nil
	}
}

// Cause is why a stock changed. Numbers are stored: append only.
type Cause uint32

const (
	CauseShipped   Cause = 1 // units of an order left
	CauseCounted   Cause = 2 // the owner counted the shelf
	CauseFigure    Cause = 3 // a file told a figure
	CauseOrdered   Cause = 4 // an order was committed; the shelf is as it was
	CauseCancelled Cause = 5 // units of an order were cancelled, rejected or expired; the shelf is as it was

	// What the owner's other channels tell.
	CauseSold     Cause = 6
	CauseReturned Cause = 7
	CauseReceived Cause = 8
	CauseDamaged  Cause = 9
	// CauseSet is what a count by hand or a sum is that was made of a revision: nobody knows of which
	// time until then it is.
	CauseSet Cause = 10

	// What becomes of a sale of the shop's own channels.
	CauseOwnReturned  Cause = 20 // units of it came back
	CauseOwnSold      Cause = 21 // it was made; the shelf is as it was
	CauseOwnShipped   Cause = 22 // units of it left
	CauseOwnCancelled Cause = 23 // units of it were cancelled; the shelf is as it was
	CauseOwnDamaged   Cause = 24 // units of it came back and do not go onto the shelf, which is as it was
)

var causeNames = [...]string{
	"unknown", "shipped", "counted", "figure", "ordered", "cancelled", "sold", "returned", "received", "damaged", "set",
	20: "own-returned", 21: "own-sold", 22: "own-shipped", 23: "own-cancelled", 24: "own-damaged",
}

func (c Cause) String() string {
	if c < Cause(len(causeNames)) && causeNames[c] != "" {
		return causeNames[c]
	}
	return "unknown"
}

// ParseCause reads the name of what an owner's channel tells: sold, returned, received, damaged or
// counted.
func ParseCause(name string) (Cause, error) {
	for _, c := range []Cause{CauseSold, CauseReturned, CauseReceived, CauseDamaged, CauseCounted} {
		if name == c.String() {
			return c, nil
		}
	}
	return 0, exchange.Errorf(exchange.CodeInvalid, "a movement is sold, returned, received, damaged or counted, not %.40q", name)
}

// Takes and Brings report whether a movement of an owner's channel takes units off the shelf, or
// puts them there, as what comes back of an own sale does.
func (c Cause) Takes() bool { return c == CauseSold || c == CauseDamaged }
func (c Cause) Brings() bool {
	return c == CauseReturned || c == CauseReceived || c == CauseOwnReturned
}

// Moves reports whether the cause changes what is on the shelf.
func (c Cause) Moves() bool {
	switch c {
	case CauseOrdered, CauseCancelled, CauseOwnSold, CauseOwnCancelled, CauseOwnDamaged:
		return false
	}
	return true
}

// Movement is a line of a stock's journal.
type Movement struct {
	Cause Cause
	// Units is by how much the stock's Net changed, or would have changed of what is Contained or
	// of a stock that is not counted; of orders and cancellations, how many units they concern, > 0.
	Units int64
	// At is when it happened, and Slack how far from that by this shop's clock it may have been.
	At      exchange.Time
	Slack   time.Duration
	Told    exchange.Time    // when this shop heard of it; 0 = at once
	Ordered exchange.Time    // when the order was committed; 0 where there is none
	Partner exchange.ShopID  // of the order
	Order   exchange.OrderID // zero where there is none
	Source  string           // of a figure
	SKU     exchange.SKU     // of the product that moved; "" where it is the stock's own name
	Net     int64            // after it
	// Contained reports that what the stock was counted by had it, as far as is known: it changed
	// nothing.
	Contained bool
	// As the channel told them; "" = not.
	Channel, Reference, Note string
}

// Recorded is when the line was written: later than every line before it, or at the same time.
func (m *Movement) Recorded() exchange.Time {
	if m.Told != 0 {
		return m.Told
	}
	return m.At
}

// Span is when it happened: at low at the earliest, at high at the latest.
func (m *Movement) Span() (low, high exchange.Time) {
	if m.Told == 0 {
		return m.At, m.At
	}
	return min(m.At.Add(-m.Slack), m.Told), min(m.At.Add(m.Slack), m.Told)
}

// ToldLine is what is remembered of a movement by the id that its channel gave it.
type ToldLine struct {
	At        exchange.Time // when it was told
	Content   [32]byte      // SHA-256 of all that was told
	Contained bool
}

// Intent is a list of movements that is carried out whole, in steps.
type Intent struct {
	At    exchange.Time // when the list was taken
	Done  uint32        // lines that are done and not in Lines any more
	Lines []IntentLine
}

// MaxIntent bounds the encoded list, in bytes: below the MiB from which the store keeps values apart.
const MaxIntent = 896 << 10

// IntentLine is a movement of a list.
type IntentLine struct {
	SKU   exchange.SKU
	Cause Cause
	Units int64
	// As it was told: a moment of the channel's clock, or so long before it was told. Both 0 = as the
	// list was taken; but of a count with a Revision alone, at any time until then.
	At       exchange.Time
	Ago      time.Duration
	Now      bool // of a count with a Revision: as the list was taken
	Revision *uint64
	ID       string

	Channel, Reference, Note string
}

// Figure is what a count in a file means. Numbers are stored: append only.
type Figure uint32

const (
	FigureNotChosen   Figure = 0
	FigureOnHand      Figure = 1
	FigureFree        Figure = 2
	FigureFreeUnaware Figure = 3
)

var figureNames = [...]string{"", "on-hand", "free", "free-unaware"}

// String is the figure's name; "" is not chosen.
func (f Figure) String() string {
	if f < Figure(len(figureNames)) {
		return figureNames[f]
	}
	return "unknown"
}

// ParseFigure reads a figure's name; "" is not chosen.
func ParseFigure(s string) (Figure, error) {
	for f, name := range figureNames {
		if s == name {
			return Figure(f), nil
		}
	}
	return 0, exchange.Errorf(exchange.CodeInvalid, "a stock figure is on-hand, free or free-unaware, not %.40q", s)
}

// Reading is the last figure that a file told of a stock, and when the file was read.
type Reading struct {
	Source    string
	Set       bool // false: no file has told any
	Unlimited bool
	Units     int64
	// The file was read at Low at the earliest and at High at the latest.
	Low, High exchange.Time
	// Counted is when the owner counted the shelf by hand after that; 0 = not. CountedBy is how many
	// units more than before there were then.
	Counted   exchange.Time
	CountedBy int64
	// CountedFrom is when the count was made at the earliest, and Counted at the latest; 0 = any time
	// before.
	CountedFrom exchange.Time
	// Behind is the stocks that the product sold from before, while they may have promises: those
	// are taken off each figure.
	Behind []exchange.StockID
	// Owed is what other stocks took off the figure, of a system that knows nothing of Souk: what
	// they had promised, and what Souk had sent of them, which that system still counts.
	Owed int64
}

// MaxBehind bounds Reading.Behind, of which each is a change of the stock a product sells from. A
// product that changes it oftener while promises last is sold by nobody until they are kept.
const MaxBehind = 64

// MaxVariants bounds the variants of one group that are taken over: Shopify's most variants of one
// product.
const MaxVariants = 2048

// DefaultClockSlack is a source's ClockSlack unless its owner says otherwise (design: SHELF,
// clock_slack).
const DefaultClockSlack = time.Minute

// MaxSharing bounds how many products sell from a stock that is not named for them: Shopify's most
// variants of one product. A change of the stock publishes each of them.
const MaxSharing = 2048

// Source is a file or system that tells of products, as the last import left it.
type Source struct {
	Name         string
	Figure       Figure
	BookedWithin time.Duration // how soon that system books Souk's orders
	ClockSlack   time.Duration // how far its clock and this shop's may be apart
	Columns      string        // how a CSV's columns are named, as inventory.Columns reads it; "" = not said
	Locations    []string      // whose counts are added up; none = all
	QualifySKU   bool

	// Of the last import that was read to its end:
	Low, High exchange.Time
	Ended     exchange.Time
	// Files are the files that were read last, the newest at the end; at most MaxFiles.
	Files []SourceFile
}

// SourceFile is a file of a source, and when that system was read for it.
type SourceFile struct {
	Digest    [32]byte // SHA-256
	Low, High exchange.Time
}

// MaxFiles is how many files a source remembers: a system may have several that take turns.
const MaxFiles = 8

// File is the file with a digest, if the source remembers it.
func (s *Source) File(digest [32]byte) (SourceFile, bool) {
	for _, f := range s.Files {
		if f.Digest == digest {
			return f, true
		}
	}
	return SourceFile{}, false
}

// Undated is when a file without a date was read that is read at now, by the shop's time, which never
// runs backwards: at the earliest (0 = after the last reading of each stock) and at the latest.
// While that time stands still, because the clock was set back, both may be the same moment as the
// end of the source's last file.
func (s *Source) Undated(now exchange.Time) (low, high exchange.Time) {
	if s.Ended != 0 {
		low = min(s.Ended+1, now)
	}
	return low, now
}
