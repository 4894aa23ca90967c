package testnet_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/protocol"
)

// problem is what a shop says of itself under a name; zero where it says nothing.
func (s *shop) problem(name string) api.Problem {
	for _, p := range s.Problems(s.town.ctx()) {
		if p.Name == name {
			return p
		}
	}
	return api.Problem{}
}

// change rewrites a record of a stopped shop.
func (s *shop) change(key []byte, kind message.Kind, edit func(message.Value)) {
	s.town.t.Helper()
	raw, _, err := s.disks.Store.Get(key)
	if err != nil {
		s.town.t.Fatal(err)
	}
	v := must(protocol.Codec{}.Decode(kind, raw))
	edit(v)
	if err := s.disks.Store.Commit([]kv.Write{{Key: key, Value: must(protocol.Codec{}.Encode(v))}}); err != nil {
		s.town.t.Fatal(err)
	}
}

// A clock that was ahead when the shop last wrote, an owner's halt on an old member list,
// and an API that the network can reach are among a shop's problems while they last.
func TestVirtualProblems(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		s := w.settle(1)[0]
		s.stop()
		s.config.HaltAfterDays, s.config.API = 1, "0.0.0.0:7350"
		s.start()
		if p := s.problem("api"); p.Blocks || !strings.Contains(p.Detail, "nothing is encrypted") {
			t.Errorf("an exposed API: %+v", p)
		}
		for _, name := range []string{"clock", "trade", "selling", "set-aside"} {
			if p := s.problem(name); p.Name != "" {
				t.Errorf("all is well: %+v", p)
			}
		}
		w.endHub()
		w.clock.pass(25 * time.Hour)
		s.stock(1, 5)
		if p := s.problem("trade"); !p.Blocks || !strings.Contains(p.Detail, "trade is halted") {
			t.Errorf("with a list older than the owner allows: %+v", p)
		}
		w.clock.pass(-25 * time.Hour)
		if p := s.problem("clock"); p.Blocks || !strings.Contains(p.Detail, "25h") {
			t.Errorf("a clock that was 25 hours ahead: %+v", p)
		}
		if p := s.problem("trade"); p.Name != "" {
			t.Errorf("with a list that is fresh again: %+v", p)
		}
		w.clock.pass(25*time.Hour - time.Minute)
		if p := s.problem("clock"); p.Name != "" {
			t.Errorf("a clock that has almost caught up: %+v", p)
		}
	})
}

// A partner that is away is named once, though it trades in both directions.
func TestVirtualAwayIsNamedOnce(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		w.partner(a, b)
		w.partner(b, a)
		b.stop()
		w.wait(time.Minute, "it is lost", func() bool { return !a.Net().Connected(b.id) })
		var named []api.Problem
		for _, p := range a.Problems(w.ctx()) {
			if p.Partner == b.id {
				named = append(named, p)
			}
		}
		if len(named) != 1 || !strings.Contains(named[0].Detail, b.name+" is not connected") {
			t.Errorf("its problems are %+v", named)
		}
	})
}

// A shop that has lost records says which partner proved it, by name, and what to do; one
// whose hold could not end says that too.
func TestVirtualLossIsExplained(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(2)
		a, b := shops[0], shops[1]
		a.stock(1, 10)
		w.partner(a, b)
		held := must(b.reserve(a, sku(0), 2))
		a.stop()
		a.change([]byte("m"), record.KindMeta, func(v message.Value) {
			v.(*record.Meta).Stopped = "shop " + b.id.String() + " holds an entry that is not in this store"
		})
		key := append(append([]byte("h/"), b.id[:]...), held.Request.ID[:]...)
		if err := a.disks.Store.Commit([]kv.Write{{Key: key, Delete: true}}); err != nil {
			t.Fatal(err)
		}
		a.start()
		p := a.problem("selling")
		for _, want := range []string{b.name + " (" + b.id.String() + ")", "newest copy of its folder", "cannot be taken back"} {
			if !p.Blocks || !strings.Contains(p.Detail, want) {
				t.Errorf("the stopped shop does not say %q: %+v", want, p)
			}
		}
		w.clock.pass(time.Hour)
		a.setStock(sku(0), 9) // the writer looks at its clock
		w.wait(2*time.Minute, "the hold is in quarantine", func() bool { return a.problem("set-aside").Name != "" })
		if p := a.problem("set-aside"); p.Blocks || !strings.Contains(p.Detail, b.name) || !strings.Contains(p.Detail, held.Request.ID.String()) {
			t.Errorf("what is in quarantine: %+v", p)
		}
	})
}

// A frozen ledger, and a shop's own stop, keep no shop in the federation.
func TestVirtualLeaveWithFrozenLedger(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		shops := w.settle(3)
		a, leaver, c := shops[0], shops[1], shops[2]
		for _, s := range []*shop{a, leaver} {
			s.stock(1, 10)
		}
		w.partner(a, leaver)
		w.partner(leaver, c)
		leaver.stop()
		leaver.folder = t.TempDir()
		ledger := append(append([]byte("l/"), a.id[:]...), leaver.id[:]...)
		leaver.change(ledger, record.KindLedger, func(v message.Value) { v.(*record.Ledger).Chain.Frozen = true })
		leaver.change([]byte("m"), record.KindMeta, func(v message.Value) { v.(*record.Meta).Stopped = "records are lost" })
		leaver.start()
		w.wait(time.Minute, "it is back", func() bool { return leaver.Net().Connected(idOf(w.closed)) })
		out, err := leaver.Leave(w.ctx(), false)
		if err != nil || len(out.Partners) != 2 {
			t.Fatalf("leaving: %+v, %v", out, err)
		}
		for _, side := range []exchange.Party{exchange.Supplier, exchange.Retailer} {
			partner := c
			if side == exchange.Retailer {
				partner = a
			}
			if trade := must(leaver.Desk().Partnerships.Get(partner.id, side)); trade.State.Active && !trade.Ending {
				t.Errorf("as %v it still trades: %+v", side, trade)
			}
		}
		w.wait(10*time.Second, "everybody knows that it left", func() bool {
			for _, s := range []*shop{a, c} {
				if m, _ := s.Roster().Member(leaver.id); m.Status != membership.Left {
					return false
				}
			}
			return true
		})
	})
}

// logBuffer is a log's output that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// A hub that is lost, and one that is back, are logged once each.
func TestVirtualHubInTheLog(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		s := w.settle(1)[0]
		s.stop()
		log := &logBuffer{}
		s.log = slog.New(slog.NewTextHandler(log, nil))
		s.start()
		told := func(there, lost int) {
			w.wait(time.Minute, "the log tells of the hub", func() bool { return log.count("the hub is connected") >= there && log.count("the hub is lost") >= lost })
			if log.count("the hub is connected") != there || log.count("the hub is lost") != lost {
				t.Errorf("the hub is connected %d times and lost %d times in the log, want %d and %d", log.count("the hub is connected"), log.count("the hub is lost"), there, lost)
			}
		}
		told(1, 0)
		w.endHub()
		told(1, 1)
		w.startHub()
		told(2, 1)
	})
}

// A shop that is stopped as it starts stops in order.
func TestVirtualStopAtStart(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		s := w.settle(1)[0]
		for range 20 {
			s.stop() // reports an error
			s.start()
		}
	})
}
