package trade

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Selling is whether the shop may sell, and the time of its newest commit. After a rollback a
// shop sells nothing and enters nothing into its ledgers: their last entries may be lost, and
// a second entry at a position would be a fork (design: Holds and orders, Restore).
type Selling struct {
	store kv.Store
	codec message.Codec
	clock exchange.Clock
	log   *slog.Logger

	meta    record.Meta            // writer's turn only
	stopped atomic.Pointer[string] // why selling is stopped; nil = it is not
}

// OpenSelling reads from the store whether the shop may sell.
func OpenSelling(store kv.Store, codec message.Codec, clock exchange.Clock, log *slog.Logger) (*Selling, error) {
	s := &Selling{store: store, codec: codec, clock: clock, log: log}
	meta, err := record.Get[record.Meta](store, codec, record.KeyMeta)
	if err != nil {
		return nil, err
	}
	if meta != nil {
		s.meta = *meta
	}
	if s.meta.Stopped != "" {
		s.stopped.Store(&s.meta.Stopped)
	}
	s.AlarmClock()
	return s, nil
}

// Stamp adds the Meta record, with the batch's time, to a batch. Every commit carries it. events
// sets where the event log ends with the batch.
func (s *Selling) Stamp(b *writer.Batch, events func(*record.Meta) error) error {
	if s.meta.Journaled == 0 {
		s.meta.Journaled = b.Now()
	}
	meta := s.meta
	meta.Written = b.Now()
	if err := events(&meta); err != nil {
		return err
	}
	return record.Put(b, s.codec, record.KeyMeta, &meta)
}

// Meta is the Meta record as the store was opened; zero where there was none.
func (s *Selling) Meta() record.Meta { return s.meta }

// Written is the time of the newest commit when the store was opened; 0 = there was none.
func (s *Selling) Written() exchange.Time { return s.meta.Written }

// Stopped says why the shop has stopped selling, or "".
func (s *Selling) Stopped() string {
	if why := s.stopped.Load(); why != nil {
		return *why
	}
	return ""
}

// Stop has the shop refuse every hold and enter nothing into its ledgers from now on,
// durably. The stop is kept even where the operation that calls it fails.
func (s *Selling) Stop(b *writer.Batch, why string) {
	if s.meta.Stopped != "" {
		return
	}
	s.log.Error("selling stopped", "why", why)
	s.meta.Stopped = why
	s.stopped.Store(&why)
	b.Keep(event.Stopped{At: b.Now(), Why: why})
}

// RollbackAdvice is what the owner of a shop that has stopped selling should know and do.
// There is no way back without the lost records: where no copy has them, what is left is
// another shop, whose key has signed nothing yet.
const RollbackAdvice = "This shop has lost records that it had signed, so it sells nothing and enters nothing into its ledgers: otherwise it could sell twice. " +
	"Stop the node and put the newest copy of its folder back, all of it, newer than the one in use; delete nothing. " +
	"Records that no copy holds cannot be taken back from partners by this version: if they are gone for good, this shop will not sell again. " +
	"Keep the folder, finish open orders with the partners by hand, and begin a new shop in another folder, with a new invite from the hub and new partnerships"

// MaySell refuses a partner's request while selling is stopped. The error does not say who
// proved what.
func (s *Selling) MaySell() error {
	if s.Stopped() == "" {
		return nil
	}
	return exchange.Errorf(exchange.CodeRestored, "the shop has stopped selling, for it has lost records; ask its owner")
}

// mayAct refuses the owner's acts while selling is stopped.
func (s *Selling) mayAct() error {
	if why := s.Stopped(); why != "" {
		return exchange.Errorf(exchange.CodeRestored, "selling has stopped: %s. %s", why, RollbackAdvice)
	}
	return nil
}

// MaxClockBehind is how far the clock may be behind the last commit before somebody
// should look: beyond what time servers correct in steps on a healthy machine.
const MaxClockBehind = 2 * time.Minute

// ClockBehind is how far this machine's clock is behind the newest commit; 0 where it is
// not. The writer's time never runs backwards: one commit made while the clock was years
// ahead stops it for years, and with it everything that ends by itself. Until the clock has
// caught up, holds and submitted orders do not expire.
func (s *Selling) ClockBehind() time.Duration {
	meta, err := record.Get[record.Meta](s.store, s.codec, record.KeyMeta)
	if err != nil || meta == nil {
		return 0
	}
	return max(meta.Written.Sub(s.clock.Now()), 0)
}

// AlarmClock logs a clock that is more than MaxClockBehind behind.
func (s *Selling) AlarmClock() {
	if behind := s.ClockBehind(); behind > MaxClockBehind {
		s.log.Error("the clock is behind the newest record of this shop: it was wrong then or is wrong now; no hold or order expires until it has caught up",
			"behind", behind.Truncate(time.Second))
	}
}
