package shelf

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Moves is what the owner's channels and people tell of a shop's shelf.
type Moves struct{ *Shelf }

// Moment says when something happened. The zero Moment says nothing.
type Moment struct {
	At  exchange.Time // by the clock of who tells it
	Ago time.Duration // or so long before it is told
	Now bool          // or as it is told
}

// Now is the moment of what is told as it happens.
var Now = Moment{Now: true}

// Line is what a channel of the owner's tells of one product.
type Line struct {
	SKU   exchange.SKU
	Cause record.Cause // sold, returned, received, damaged or counted
	Units int64        // 1 to exchange.MaxQuantity; of a count, what lies there: 0 to hold.MaxShelf
	When  Moment       // of what is not a count, zero is Now
	// Revision is what the count was made of (Shelf.Revision); nil = not told. A count has a Revision, a
	// moment, or both.
	Revision *uint64
	// ID is the channel's own name of the movement, by which a repeat of it is known for 90 days; "" =
	// it has none.
	ID string

	Channel, Reference, Note string
}

// Result is what became of a line.
type Result int

const (
	Applied   Result = iota
	Contained        // what the stock is counted by has it; it changed nothing
	Repeated         // it was told before
	Refused
)

// Told is what became of one line.
type Told struct {
	Result Result
	Stock  hold.Stock // after it
	Err    error      // of a refused one
}

// Bounds of one call of Tell, and of a line's texts in bytes.
const (
	MaxLines     = 10_000
	MaxLineID    = 128
	MaxChannel   = 64
	MaxReference = 200
	MaxNote      = 500
)

const (
	// atOnce is how many lines one transaction takes. Stock, mark, line, reading and id of each, some
	// 1,300 bytes and 6 writes, are 1.3 MB of the some 4.8 MB that it carries.
	atOnce = 1000
	// atATime is how many lines are written between two of others: a hold waits for 10 ms at most.
	atATime = 500
	// remembered is how long the ids of movements are known.
	remembered = 90 * 24 * time.Hour
	// countsReach is how old a count may be: the journal has all since then.
	countsReach = 7 * 24 * time.Hour
	// slack is how far a channel's clock and this shop's may be apart (design: SHELF, clock_slack).
	slack = record.DefaultClockSlack
)

// StaleError is the cause of CodeStale: the count may be of before what the stock is counted by now.
type StaleError struct {
	SKU      exchange.SKU
	Stock    hold.Stock
	Revision uint64 // [Shelf.Revision]
	Why      string
}

func (e *StaleError) Error() string { return string(e.SKU) + ": " + e.Why }

// Tell takes what the owner's other channels tell: 1 to MaxLines movements, in their order, all
// of them in one step or none, or, where atomic is false, each by itself. The result has one Told
// for each line. What has gone is never refused for want of stock.
//
// A line that breaks a rule of form (CodeInvalid) fails the call. What else refuses a line fails an
// atomic call, and then Told has the refused lines: CodeNotFound, CodeConflict (its ID was told with other content),
// CodeStale (with a StaleError), CodeState (the product's units come by files alone) or CodePrecondition. Lines
// that a repeated request had told (package writer, Once) are Repeated.
func (s Moves) Tell(ctx context.Context, lines []Line, atomic bool) ([]Told, error) {
	if len(lines) == 0 || len(lines) > MaxLines {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a call tells 1 to %d movements, not %d", MaxLines, len(lines))
	}
	for i := range lines {
		if err := lines[i].check(); err != nil {
			return nil, exchange.Errorf(exchange.CodeOf(err), "movement %d (%s): %w; nothing was changed", i+1, lines[i].SKU, err)
		}
	}
	switch {
	case !atomic:
		return s.recordEach(ctx, lines)
	case len(lines) > atOnce:
		return s.recordList(ctx, lines)
	}
	told := make([]Told, len(lines))
	err := s.cfg.Writer.Act(ctx, func(b *writer.Batch) error { return s.recordAll(b, lines, told) })
	if errors.Is(err, writer.ErrDone) {
		return told, s.repeated(lines, told)
	}
	return told, err
}

// recordAll tells all lines; its error is that of the first that is refused.
func (s Moves) recordAll(b *writer.Batch, lines []Line, told []Told) error {
	var first error
	for i := range lines {
		if told[i] = s.attempt(b, &lines[i]); told[i].Err != nil && first == nil {
			first = exchange.Errorf(exchange.CodeOf(told[i].Err), "nothing was changed: %w", told[i].Err)
		}
	}
	return first
}

// recordEach tells each line by itself, some at a time.
func (s Moves) recordEach(ctx context.Context, lines []Line) ([]Told, error) {
	told := make([]Told, len(lines))
	for from := 0; from < len(lines); from += atATime {
		some, of := lines[from:min(from+atATime, len(lines))], told[from:]
		err := s.cfg.Writer.Act(ctx, func(b *writer.Batch) error {
			for i := range some {
				if of[i] = s.attempt(b, &some[i]); exchange.CodeOf(of[i].Err) == exchange.CodeInternal {
					return of[i].Err
				}
			}
			return nil
		})
		if errors.Is(err, writer.ErrDone) {
			err = s.repeated(some, of)
		}
		if err != nil {
			return nil, err
		}
	}
	return told, nil
}

// repeated is what became of lines that the same request told before.
func (s Moves) repeated(lines []Line, told []Told) error {
	for i := range lines {
		stock, err := s.Stock(lines[i].SKU)
		if err != nil {
			return err
		}
		told[i] = Told{Result: Repeated, Stock: stock}
	}
	return nil
}

// attempt tells one line, or nothing of it.
func (s Moves) attempt(b *writer.Batch, l *Line) (told Told) {
	err := b.Attempt(func(b *writer.Batch) (err error) {
		told, err = s.record(b, l)
		return err
	})
	if err != nil {
		told.Result, told.Err = Refused, err
	}
	return told
}

// record tells one line. Of a refused one it returns the stock as it is, where there is one.
func (s Moves) record(b *writer.Batch, l *Line) (Told, error) {
	product, ok, err := s.products.Get(b, l.SKU)
	if err != nil {
		return Told{}, err
	}
	if !ok {
		return Told{}, exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s; see souk catalog list", l.SKU)
	}
	id := product.Stock()
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return Told{}, err
	}
	told := Told{Stock: rec.Stock}
	content := l.content()
	if known, err := s.known(b, l.ID, content, b.Now()); known || err != nil {
		told.Result = Repeated
		return told, err
	}
	if err := l.happened(b.Now()); err != nil {
		return told, err
	}
	at := l.span(b.Now())
	change := change{sku: l.SKU, id: id, line: s.journalLine(l, at, b.Now())}
	if l.Cause == record.CauseCounted {
		change.revision, change.units = l.Revision, l.Units
		err = s.count(b, &change, product, &rec, at)
	} else {
		err = s.move(b, &change, product, &rec, l.Units, at)
	}
	if err != nil {
		return told, err
	}
	told.Stock = rec.Stock
	if change.contained {
		told.Result = Contained
	}
	return told, s.remember(b, l.ID, content)
}

// change is a change of a stock on its way into the records.
type change struct {
	sku  exchange.SKU
	id   exchange.StockID
	line record.Movement

	// of a count
	units     int64
	unlimited bool
	revision  *uint64

	late      bool // it is carried out after it was taken
	contained bool // it changes nothing
}

// move takes units off the shelf, or puts them there.
func (s Moves) move(b *writer.Batch, c *change, product *record.Product, rec *record.Stock, units int64, at span) error {
	st, err := s.standing(b, c.id, product)
	if err != nil {
		return err
	}
	st.stock = rec.Stock
	if c.contained, err = st.tell(c.line.Cause, units, at); err != nil {
		return exchange.Errorf(exchange.CodeOf(err), "%s: %w", c.sku, err)
	}
	c.line.Units = units
	if c.line.Cause.Takes() {
		c.line.Units = -units
		rec.Gone += units
	}
	c.line.Contained = c.contained || st.stock.Unlimited
	rec.Stock = st.stock
	return s.note(b, c, rec)
}

// note writes a stock and the line of its journal that says why.
func (s Moves) note(b *writer.Batch, c *change, rec *record.Stock) error {
	c.line.SKU = c.sku
	if err := s.journals.add(b, c.id, rec, c.line); err != nil {
		return err
	}
	s.stocks.Set(b, c.id, *rec)
	return nil
}

// standing is what a stock is counted by, without its counts.
func (s Moves) standing(b record.Getter, id exchange.StockID, product *record.Product) (st standing, err error) {
	if st.reading, err = (view{Getter: b, shelf: s.Shelf}).reading(id, product); err != nil || !st.reading.Set {
		return st, err
	}
	src, err := record.Get[record.Source](b, s.cfg.Codec, record.SourceKey(st.reading.Source))
	if err != nil {
		return st, err
	}
	if src != nil {
		st.figure, st.filed = src.Figure, min(src.High, src.Ended)
	}
	st.filed = max(st.filed, s.files.unfinished(st.reading.Source))
	return st, nil
}

// known reports whether a movement was told before, by its id. It fails with CodeConflict where
// the id was told with other content.
func (s Moves) known(b record.Getter, id string, content [32]byte, now exchange.Time) (bool, error) {
	if id == "" {
		return false, nil
	}
	before, err := record.Get[record.ToldLine](b, s.cfg.Codec, record.ToldLineKey(id))
	switch {
	case err != nil || before == nil || now.Sub(before.At) > remembered:
		return false, err
	case before.Content != content:
		return false, exchange.Errorf(exchange.CodeConflict, "the id %q was told before with other content; give each movement an id of its own", id)
	}
	return true, nil
}

// remember notes that a movement was told.
func (s Moves) remember(b *writer.Batch, id string, content [32]byte) error {
	if id == "" {
		return nil
	}
	return record.Put(b, s.cfg.Codec, record.ToldLineKey(id), &record.ToldLine{At: b.Now(), Content: content})
}

// span is when a line that is told at now happened. A count of a revision alone may be of any time.
func (l *Line) span(now exchange.Time) span {
	switch {
	case l.When.At != 0:
		return spanOf(l.When.At, now, slack)
	case l.When.Ago > 0:
		return spanOf(now.Add(-l.When.Ago), now, slack)
	case l.When == Moment{} && l.Cause == record.CauseCounted:
		return span{high: now, unknown: true}
	}
	return span{low: now, high: now, now: true}
}

// journalLine is a line's place in the journal, without its units.
func (s Moves) journalLine(l *Line, at span, now exchange.Time) record.Movement {
	m := record.Movement{Cause: l.Cause, Channel: l.Channel, Reference: l.Reference, Note: l.Note}
	switch {
	case at.unknown:
		m.Cause = record.CauseSet
	case l.When.At != 0:
		m.At, m.Slack = l.When.At, slack
	case l.When.Ago > 0:
		m.At, m.Slack = now.Add(-l.When.Ago), slack
	}
	return m
}

// happened reports that a line is not of a time to come.
func (l *Line) happened(now exchange.Time) error {
	if l.When.At <= now.Add(slack) {
		return nil
	}
	return exchange.Errorf(exchange.CodeInvalid, "%s: it cannot have happened at %v: it is %v now. Set that clock", l.SKU, l.When.At, now)
}

// check checks the form of a line.
func (l *Line) check() error {
	if _, err := exchange.ParseSKU(string(l.SKU)); err != nil {
		return err
	}
	for _, text := range []struct {
		name, text string
		most       int
	}{{"id", l.ID, MaxLineID}, {"channel", l.Channel, MaxChannel}, {"reference", l.Reference, MaxReference}, {"note", l.Note, MaxNote}} {
		if len(text.text) > text.most {
			return exchange.Errorf(exchange.CodeInvalid, "the %s has %d bytes; %d are allowed", text.name, len(text.text), text.most)
		}
	}
	if l.When.Ago < 0 {
		return exchange.Errorf(exchange.CodeInvalid, "a moment is not after now")
	}
	switch {
	case l.Cause == record.CauseCounted:
		if l.Units < 0 || l.Units > hold.MaxShelf {
			return exchange.Errorf(exchange.CodeInvalid, "a stock count is 0 to %d, not %d", hold.MaxShelf, l.Units)
		}
		if l.Revision == nil && l.When == (Moment{}) {
			return exchange.Errorf(exchange.CodeInvalid, "a count says when it was made (at), or of which revision (if_revision)")
		}
	case l.Cause.Takes() || l.Cause.Brings():
		if l.Units < 1 || l.Units > exchange.MaxQuantity {
			return exchange.Errorf(exchange.CodeInvalid, "a movement is of 1 to %d units, not %d", exchange.MaxQuantity, l.Units)
		}
		if l.Revision != nil {
			return exchange.Errorf(exchange.CodeInvalid, "a revision goes with a count")
		}
	default:
		return exchange.Errorf(exchange.CodeInvalid, "a movement is sold, returned, received, damaged or counted")
	}
	return nil
}

// content is the SHA-256 of all that a line tells.
func (l *Line) content() [32]byte {
	if l.ID == "" {
		return [32]byte{}
	}
	h := sha256.New()
	number := func(n uint64) { h.Write(binary.BigEndian.AppendUint64(nil, n)) }
	for _, text := range []string{string(l.SKU), l.Channel, l.Reference, l.Note} {
		number(uint64(len(text)))
		h.Write([]byte(text))
	}
	number(uint64(l.Cause))
	number(uint64(l.Units))
	number(uint64(l.When.At))
	number(uint64(l.When.Ago))
	if l.Revision != nil {
		number(*l.Revision)
	}
	return [32]byte(h.Sum(nil))
}
