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

// A stock keeps its newest maxMovements movements, and those of the last keepMovements, however
// many: figures are read against them.
const (
	maxMovements  = 2000
	keepMovements = 8 * 24 * time.Hour // a system may take a week to book orders, and its file a day to come
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
	m.At, m.Net = b.Now(), rec.Stock.Net()
	if id.Is(m.SKU) {
		m.SKU = ""
	}
	if err := j.prune(b, id, rec); err != nil {
		return err
	}
	return record.Put(b, j.codec, record.MovementKey(id, rec.Moves), &m)
}

// prune deletes the oldest movements beyond maxMovements, if they are older than keepMovements; two
// at a time, so that a journal that grew in a busy week shrinks again.
func (j *journal) prune(b *writer.Batch, id exchange.StockID, rec *record.Stock) error {
	for range 2 {
		if rec.Moves-rec.Pruned <= maxMovements {
			return nil
		}
		key := record.MovementKey(id, rec.Pruned+1)
		oldest, err := record.Get[record.Movement](b, j.codec, key)
		if err != nil {
			return err
		}
		if oldest != nil && oldest.At > b.Now().Add(-keepMovements) {
			return nil
		}
		b.Delete(key)
		rec.Pruned++
	}
	return nil
}

// since adds up the movements of a stock from the time low on, and its orders from low −
// booked on. Where the journal does not reach back so far, what it does not explain of the
// stock's counts is taken for movements since.
func (j *journal) since(from record.Getter, id exchange.StockID, rec *record.Stock, low exchange.Time, booked time.Duration) (since, error) {
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
		if m.At < orders {
			return sum, nil
		}
		switch m.Cause {
		case record.CauseShipped, record.CauseOwnShipped:
			all.Shipped -= m.Units
			if m.At >= low {
				sum.Shipped -= m.Units
			}
		case record.CauseOrdered, record.CauseOwnSold:
			all.Ordered += m.Units
			sum.Ordered += m.Units
		case record.CauseCancelled, record.CauseOwnCancelled:
			all.Ordered -= m.Units
			if m.Ordered >= orders {
				sum.Ordered -= m.Units
			}
		}
	}
	if n == 0 {
		began, err := j.journaled()
		if err != nil || began < orders {
			return sum, err
		}
	}
	sum.Shipped += max(0, rec.Stock.Shipped+rec.Left-all.Shipped)
	sum.Ordered += max(0, rec.Stock.Sold+rec.Left-all.Ordered)
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
