package shelf

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// A list of movements that is longer than one transaction takes is looked through and made durable
// as one record, an intent; from then on it will be carried out whole, whatever happens. The lines
// follow in steps, and a start finishes what is left.

// recordList tells more than atOnce lines, all or none.
func (s Moves) recordList(ctx context.Context, lines []Line) ([]Told, error) {
	told := make([]Told, len(lines))
	var key []byte
	var places []int // of the intent's lines in lines
	err := s.cfg.Writer.Act(ctx, func(b *writer.Batch) error {
		clear(told)
		list, at, err := s.intent(b, lines, told)
		if err != nil || len(list.Lines) == 0 {
			key = nil
			return err
		}
		places = at
		if key, err = freeIntentKey(b); err != nil {
			return err
		}
		return s.putIntent(b, key, list)
	})
	if errors.Is(err, writer.ErrDone) {
		if err := s.FinishLists(ctx); err != nil {
			return nil, err
		}
		return told, s.repeated(lines, told)
	}
	if err != nil || key == nil {
		return told, err
	}
	err = s.finish(context.WithoutCancel(ctx), key, func(i int, t Told) { told[places[i]] = t })
	return told, err
}

// intent looks through all lines and makes the list of those that were not told before. Its error
// is that of the first that is refused.
func (s Moves) intent(b *writer.Batch, lines []Line, told []Told) (*record.Intent, []int, error) {
	list := &record.Intent{At: b.Now()}
	var at []int
	var first error
	seen := seenLines{ids: make(map[string][32]byte), stocks: make(map[exchange.StockID]bool)}
	for i := range lines {
		l := &lines[i]
		line, err := s.intentLine(b, l, &told[i], seen)
		if err != nil {
			told[i].Result, told[i].Err = Refused, err
			if first == nil {
				first = exchange.Errorf(exchange.CodeOf(err), "nothing was changed: %w", err)
			}
			continue
		}
		if told[i].Result != Repeated {
			list.Lines, at = append(list.Lines, line), append(at, i)
		}
	}
	return list, at, first
}

// seenLines is what a list has told so far.
type seenLines struct {
	ids    map[string][32]byte
	stocks map[exchange.StockID]bool // true: counted
}

// intentLine looks at one line.
func (s Moves) intentLine(b *writer.Batch, l *Line, told *Told, seen seenLines) (record.IntentLine, error) {
	var none record.IntentLine
	product, ok, err := s.products.Get(b, l.SKU)
	if err != nil {
		return none, err
	}
	if !ok {
		return none, exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s; see souk catalog list", l.SKU)
	}
	id := product.Stock()
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return none, err
	}
	told.Stock = rec.Stock
	content := l.content()
	known, err := s.known(b, l.ID, content, b.Now())
	if before, again := seen.ids[l.ID]; l.ID != "" && again && err == nil {
		if known = true; before != content {
			return none, exchange.Errorf(exchange.CodeConflict, "the id %q is there twice, with other content; give each movement an id of its own", l.ID)
		}
	}
	if known || err != nil {
		told.Result = Repeated
		return none, err
	}
	seen.ids[l.ID] = content
	if err := l.happened(b.Now()); err != nil {
		return none, err
	}
	if err := s.mayTell(b, l, id, product, &rec, seen); err != nil {
		return none, err
	}
	return record.IntentLine{
		SKU: l.SKU, Cause: l.Cause, Units: l.Units, At: l.When.At, Ago: l.When.Ago, Now: l.When.Now, Revision: l.Revision, ID: l.ID,
		Channel: l.Channel, Reference: l.Reference, Note: l.Note,
	}, nil
}

// lineOf is the line that an intent was made of.
func lineOf(l *record.IntentLine) Line {
	return Line{
		SKU: l.SKU, Cause: l.Cause, Units: l.Units, When: Moment{At: l.At, Ago: l.Ago, Now: l.Now}, Revision: l.Revision, ID: l.ID,
		Channel: l.Channel, Reference: l.Reference, Note: l.Note,
	}
}

// mayTell reports why a line of a list is not taken. A stock that is counted is named once: what else
// the list tells of it would be of before or after, nobody knows.
func (s Moves) mayTell(b *writer.Batch, l *Line, id exchange.StockID, product *record.Product, rec *record.Stock, seen seenLines) error {
	st, err := s.standing(b, id, product)
	if err != nil {
		return err
	}
	st.stock = rec.Stock
	counted := l.Cause == record.CauseCounted
	if before, again := seen.stocks[id]; again && (before || counted) {
		return exchange.Errorf(exchange.CodeInvalid, "%s is counted, and told of again in one list of more than %d; count it in a call of its own", l.SKU, atOnce)
	}
	seen.stocks[id] = counted
	if counted {
		return s.mayCount(&change{sku: l.SKU, revision: l.Revision}, &st, l.span(b.Now()), b.Now())
	}
	_, err = st.tell(l.Cause, l.Units, l.span(b.Now()))
	return err
}

// freeIntentKey is a key that no list has.
func freeIntentKey(b *writer.Batch) ([]byte, error) {
	for n := uint64(0); ; n++ {
		key := record.IntentKey(b.Now(), n)
		if _, taken, err := b.Get(key); err != nil || !taken {
			return key, err
		}
	}
}

func (s Moves) putIntent(b *writer.Batch, key []byte, list *record.Intent) error {
	raw, err := record.Encode(s.cfg.Codec, list)
	if err != nil {
		return err
	}
	if len(raw) > record.MaxIntent {
		return exchange.Errorf(exchange.CodeInvalid, "the list has %d bytes; %d are carried out together. Tell it in several calls, or not atomic; nothing was changed", len(raw), record.MaxIntent)
	}
	b.Put(key, raw)
	return nil
}

// FinishLists carries out what is left of lists that were taken before a stop.
func (s Moves) FinishLists(ctx context.Context) error {
	var keys [][]byte
	for row, err := range kv.Rows(s.cfg.Store, kv.Prefix([]byte(record.PrefixIntent))) {
		if err != nil {
			return err
		}
		keys = append(keys, append([]byte(nil), row.Key...))
	}
	for _, key := range keys {
		if err := s.finish(ctx, key, func(int, Told) {}); err != nil {
			return err
		}
	}
	return nil
}

// finish carries out the list under key, some lines at a time, and says what became of each.
func (s Moves) finish(ctx context.Context, key []byte, told func(i int, t Told)) error {
	for more := true; more; {
		err := s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
			list, err := record.Get[record.Intent](b, s.cfg.Codec, key)
			if more = list != nil; err != nil || list == nil {
				return err
			}
			n := min(atATime, len(list.Lines))
			for i := range list.Lines[:n] {
				t, err := s.carryOutLine(b, list.At, &list.Lines[i])
				if err != nil {
					return err
				}
				told(int(list.Done)+i, t)
			}
			list.Done, list.Lines = list.Done+uint32(n), list.Lines[n:]
			if more = len(list.Lines) > 0; !more {
				b.Delete(key)
				return nil
			}
			return s.putIntent(b, key, list)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// carryOutLine tells one line of a list. What refuses it now, and did not when the list was taken, has come
// since: then the stock has the line. An error is a fault of this shop's own.
func (s Moves) carryOutLine(b *writer.Batch, taken exchange.Time, l *record.IntentLine) (told Told, err error) {
	err = b.Attempt(func(b *writer.Batch) (err error) {
		told, err = s.applyLine(b, taken, l)
		return err
	})
	switch exchange.CodeOf(err) {
	case exchange.CodeOK:
	case exchange.CodeConflict, exchange.CodeState, exchange.CodeStale:
		told.Result, err = Contained, nil
	case exchange.CodeOverflow:
		told.Result, told.Err, err = Refused, err, nil
	}
	return told, err
}

func (s Moves) applyLine(b *writer.Batch, taken exchange.Time, in *record.IntentLine) (Told, error) {
	l := lineOf(in)
	product, ok, err := s.products.Get(b, l.SKU)
	if err != nil {
		return Told{}, err
	}
	if !ok {
		return Told{}, exchange.Errorf(exchange.CodeInternal, "the product %s is gone", l.SKU)
	}
	at := l.span(taken)
	c := change{sku: l.SKU, id: product.Stock(), units: l.Units, late: true, line: s.journalLine(&l, at, taken)}
	if c.line.At == 0 {
		c.line.At = taken
	}
	if at.now || at.unknown { // it is told after others now
		at.now, at.low = false, taken
	}
	rec, _, err := s.stocks.Get(b, c.id)
	if err != nil {
		return Told{}, err
	}
	told := Told{Stock: rec.Stock}
	content := l.content()
	if known, err := s.known(b, l.ID, content, b.Now()); known || err != nil {
		told.Result = Repeated
		return told, err
	}
	if l.Cause == record.CauseCounted {
		err = s.count(b, &c, product, &rec, at)
	} else {
		err = s.move(b, &c, product, &rec, l.Units, at)
	}
	if err != nil {
		return told, err
	}
	told.Stock = rec.Stock
	if c.contained {
		told.Result = Contained
	}
	return told, s.remember(b, l.ID, content)
}

// PruneTold deletes the ids of movements that need not be known any more, among a 256th of all.
func (s Moves) PruneTold(ctx context.Context) error {
	hour := int64(s.cfg.Clock.Now()) / 3_600_000
	part := kv.Prefix(append([]byte(record.PrefixToldLine), byte(hour)))
	return s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		share := b.Share()
		for row, err := range record.Rows[record.ToldLine](s.cfg.Store, s.cfg.Codec, part) {
			if row.Key == nil {
				return err
			}
			if err == nil && b.Now().Sub(row.Record.At) > remembered {
				b.Delete(append([]byte(nil), row.Key...))
			}
			if share.Spent(b) {
				break
			}
		}
		return nil
	})
}
