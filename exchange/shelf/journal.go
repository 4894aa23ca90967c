package shelf

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// A stock keeps its newest maxMovements movements for oldMovements, and those of the last
// keepMovements however many: figures and counts are read against them.
const (
	maxMovements  = 2000
	oldMovements  = 400 * 24 * time.Hour
	keepMovements = 8 * 24 * time.Hour // a system may take a week to book orders, and its file a day to come

	// agedEvery is at every how many movements those are looked for that are old though not many,
	// for a look reads the oldest one; then twice as many are deleted at most.
	agedEvery = 64
)

// Of says which hold, order or own sale moves a stock.
type Of struct {
	Partner exchange.ShopID  // who holds or buys; of an own sale this shop
	Own     bool             // Partner is this shop
	Order   exchange.OrderID // zero for a hold
	Ordered exchange.Time    // when the order was committed
	Counted uint64           // the hold's lines that are counted against a share, as record.Hold has them
}

// cause is why a move stands in the journal; 0 = it does not. A hold and its release do not: no
// figure depends on them.
func (of Of) cause(m hold.Move) record.Cause {
	switch {
	case m == hold.MoveShip:
		return record.CauseShipped
	case m == hold.MoveLeave:
		return record.CauseOwnShipped
	case m == hold.MoveCommit && of.Own:
		return record.CauseOwnSold
	case m == hold.MoveCommit:
		return record.CauseOrdered
	case m == hold.MoveCancel && of.Own:
		return record.CauseOwnCancelled
	case m == hold.MoveCancel:
		return record.CauseCancelled
	}
	return 0
}

// journal is the journals of all stocks.
type journal struct {
	store kv.Store
	codec message.Codec
	began atomic.Int64 // the time of journaled, once it is known
}

// add adds a movement to the journal of the stock id, whose record rec is about to be set.
func (j *journal) add(b *writer.Batch, id exchange.StockID, rec *record.Stock, m record.Movement) error {
	rec.Moves++
	if m.At == 0 {
		m.At = b.Now()
	} else {
		m.Told = b.Now()
	}
	m.Net = rec.Stock.Net()
	if id.Is(m.SKU) {
		m.SKU = ""
	}
	if err := j.prune(b, id, rec); err != nil {
		return err
	}
	return record.Put(b, j.codec, record.MovementKey(id, rec.Moves), &m)
}

// prune deletes the oldest movements: beyond maxMovements, if they are older than keepMovements,
// two at a time, so that a journal that grew in a busy week shrinks again; and of a quiet product those
// older than oldMovements.
func (j *journal) prune(b *writer.Batch, id exchange.StockID, rec *record.Stock) error {
	if err := j.pruneOldest(b, id, rec, 2, maxMovements, keepMovements); err != nil {
		return err
	}
	if rec.Moves%agedEvery != 0 {
		return nil
	}
	return j.pruneOldest(b, id, rec, 2*agedEvery, 1, oldMovements)
}

// pruneOldest deletes up to n movements beyond the newest most, if they are older than age.
func (j *journal) pruneOldest(b *writer.Batch, id exchange.StockID, rec *record.Stock, n int, most uint64, age time.Duration) error {
	for range n {
		if rec.Moves-rec.Pruned <= most {
			return nil
		}
		key := record.MovementKey(id, rec.Pruned+1)
		oldest, err := record.Get[record.Movement](b, j.codec, key)
		if err != nil {
			return err
		}
		if oldest != nil && oldest.Recorded() > b.Now().Add(-age) {
			return nil
		}
		b.Delete(key)
		rec.Pruned++
	}
	return nil
}

// since adds up the movements of a stock since it was read or counted between low and high, and
// its orders from low − booked on. Where the journal does not reach back so far, what it does not
// explain of the stock's counts is taken for movements since.
func (j *journal) since(from record.Getter, id exchange.StockID, rec *record.Stock, low, high exchange.Time, booked time.Duration) (since, error) {
	var sum, all since
	orders := low.Add(-booked)
	n := rec.Moves
	for ; n > rec.Pruned; n-- {
		m, err := record.Get[record.Movement](from, j.codec, record.MovementKey(id, n))
		if err != nil {
			return sum, err
		}
		if m == nil {
			return sum, exchange.Errorf(exchange.CodeInternal, "movement %d of %s is not in the store", n, id)
		}
		if m.Recorded() < orders {
			return sum, nil
		}
		all.add(m, math.MinInt64, math.MaxInt64, math.MinInt64)
		sum.add(m, low, high, orders)
	}
	if n == 0 {
		began, err := j.journaled()
		if err != nil || began < orders {
			return sum, err
		}
	}
	sum.Shipped += max(0, rec.Stock.Shipped+rec.Left-all.Shipped)
	sum.Ordered += max(0, rec.Stock.Sold+rec.Left-all.Ordered)
	sum.Gone += max(0, rec.Gone-all.Gone)
	return sum, nil
}

// journaled is since when this shop keeps journals; the end of time before its first commit.
func (j *journal) journaled() (exchange.Time, error) {
	if at := exchange.Time(j.began.Load()); at > 0 {
		return at, nil
	}
	meta, err := record.Get[record.Meta](j.store, j.codec, record.KeyMeta)
	if err != nil || meta == nil || meta.Journaled == 0 {
		return math.MaxInt64, err
	}
	j.began.Store(int64(meta.Journaled))
	return meta.Journaled, nil
}

// Movements visits the committed movements of a product's stock with numbers before before (0 =
// all), the newest first, until visit returns false.
func (s *Shelf) Movements(sku exchange.SKU, before uint64, visit func(number uint64, m *record.Movement) bool) error {
	id, err := s.stockOf(sku)
	if err != nil {
		return err
	}
	stock, err := record.Get[record.Stock](s.cfg.Store, s.cfg.Codec, record.StockKey(id))
	if err != nil || stock == nil {
		return err
	}
	n := stock.Moves
	if before > 0 {
		n = min(n, before-1)
	}
	for ; n > 0; n-- {
		m, err := record.Get[record.Movement](s.cfg.Store, s.cfg.Codec, record.MovementKey(id, n))
		if err != nil || m == nil {
			return err
		}
		if !visit(n, m) {
			break
		}
	}
	return nil
}
