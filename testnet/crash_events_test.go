package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// listener is a client that follows a shop's events whatever becomes of either: it goes on after the
// last event that it took.
type listener struct {
	shop   *shopProcess
	random *rand.Rand
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	told  []string // ids of the log's events, as they came
	gaps  []view.Event
	after string
}

// listenAgain is how long a listener rests while its shop is down.
const listenAgain = 20 * time.Millisecond

func newListener(shop *shopProcess, seed uint64) *listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{shop: shop, random: rand.New(rand.NewPCG(seed, 7)), cancel: cancel, ended: make(chan struct{}), after: event.ID{}.String()}
	go func() {
		defer close(l.ended)
		l.listen(ctx)
	}()
	return l
}

func (l *listener) end() {
	l.cancel()
	<-l.ended
}

// listen follows, and breaks off by itself now and then.
func (l *listener) listen(ctx context.Context) {
	enough := errors.New("enough")
	for ctx.Err() == nil {
		left := 1 + l.random.IntN(200)
		c, err := client.Open(l.shop.dir)
		if err == nil {
			err = c.Follow(ctx, client.EventsFrom{After: l.last()}, func(e view.Event) error {
				l.take(e)
				if left--; left == 0 {
					return enough
				}
				return nil
			})
		}
		if err == enough {
			continue
		}
		select { // the shop is down
		case <-time.After(listenAgain):
		case <-ctx.Done():
		}
	}
}

func (l *listener) take(e view.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Type {
	case "gap":
		l.gaps = append(l.gaps, e)
	case "hello", "live", "ping":
	default:
		if e.ID != "" {
			l.told = append(l.told, e.ID)
		}
	}
	if e.ID != "" {
		l.after = e.ID
	}
}

func (l *listener) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.after
}

// judge holds what was told against the log in the store of the shop, which is stopped, and the log
// against the orders. What was told is durable, in order, and without a hole; the last event of
// each order says what the order is.
func (l *listener) judge(books *audit.Books) error {
	ids, last, err := l.shop.eventLog()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	if len(l.gaps) > 0 {
		errs = append(errs, fmt.Errorf("gaps were told: %+v", l.gaps))
	}
	if n := min(len(l.told), len(ids)); n < len(l.told) || !slices.Equal(l.told, ids[:n]) {
		errs = append(errs, fmt.Errorf("told %d events that are not the first of the log's %d; the last of them %v", len(l.told), len(ids), l.told[max(0, len(l.told)-5):]))
	}
	for side, orders := range map[exchange.Party]map[audit.Key]*record.Order{exchange.Supplier: books.Sales, exchange.Retailer: books.Purchases} {
		for k, o := range orders {
			status := o.Order.Status().String()
			switch {
			case o.Order.Submitted != 0:
			case o.Refusal != exchange.CodeOK:
				status = "refused"
			default:
				status = "requested"
			}
			if got := last[orderAt{side, k}]; got != status {
				errs = append(errs, fmt.Errorf("order %v is %s, and the log's last word of it is %q", k.ID, status, got))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return about(&l.shop.process, err)
	}
	return nil
}

// orderAt names an order at one of its shops.
type orderAt struct {
	side exchange.Party
	audit.Key
}

// eventLog reads the ids in a stopped shop's event log, and the last status that it tells of each
// order.
func (s *shopProcess) eventLog() (ids []string, last map[orderAt]string, err error) {
	db, err := store.ReadOnly(filepath.Join(s.dir, storeFolder))
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	last = map[orderAt]string{}
	for row, err := range record.Rows[record.Events](db, protocol.Codec{}, kv.Prefix([]byte(record.PrefixEvents))) {
		if err != nil {
			return nil, nil, err
		}
		first, _ := record.ParseEventsKey(row.Key)
		for i, e := range row.Record.List {
			ids = append(ids, event.ID{At: row.Record.At, Number: first + uint64(i)}.String())
			if e.What == record.EventOrder {
				last[orderAt{e.Side, audit.Key{Partner: e.Partner, ID: e.Order}}] = e.Status
			}
		}
	}
	return ids, last, nil
}

// heardAll waits until every listener has been told all that its shop's log has.
func (c *crash) heardAll() {
	c.t.Helper()
	ctx, cancel := context.WithTimeoutCause(c.t.Context(), patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	for _, l := range c.listeners {
		c.must("the last event", until(ctx, &l.shop.process, func(ctx context.Context) (bool, error) {
			heard := errors.New("heard")
			err := l.shop.client.Follow(ctx, client.EventsFrom{}, func(e view.Event) error { // hello has the log's end
				if e.ID == l.last() {
					return heard
				}
				return fmt.Errorf("%s was told up to %s of %s", l.shop.name, l.last(), e.ID)
			})
			if err == heard {
				return true, nil
			}
			return false, err
		}))
		l.mu.Lock()
		c.t.Logf("%s told %d events", l.shop.name, len(l.told))
		l.mu.Unlock()
	}
}

// listenersAreJudged spoils what a listener was told, and has the judge find it.
func (c *crash) listenersAreJudged() {
	l := c.listeners[0]
	l.end()
	l.shop.interrupt()
	c.must("the stop", l.shop.stop())
	defer c.restart(0, []*shopProcess{l.shop})
	books, err := l.shop.books()
	c.must("the books", err)
	c.must("what was told", l.judge(books))
	told := l.told
	for what, spoiled := range map[string][]string{
		"a lost event": slices.Delete(slices.Clone(told), len(told)/2, len(told)/2+1),
		"one twice":    slices.Insert(slices.Clone(told), 2, told[1]),
		"none that is": append(slices.Clone(told), "1-1"),
	} {
		if l.told = spoiled; l.judge(books) == nil {
			c.t.Errorf("nobody sees %s", what)
		}
	}
	l.told = told
}
