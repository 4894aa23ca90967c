package trade_test

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
)

// The judge of the simulation: what must be true after each step, and of the books.

// check adds up every shop's stock, and now and then audits everything.
func (s *sim) check() {
	for _, a := range s.w.Shops {
		if a.Died(); !a.Changed {
			continue
		}
		a.Changed = false
		b, err := audit.Counts(a.ID, a.Mem, protocol.Codec{})
		if err != nil {
			s.Errorf("seed %d, step %s: %s: %v", s.w.Seed, s.what, a.Name, err)
			continue
		}
		switch p := s.premises[a]; {
		case a.Bridge != nil: // the counts are a copy of its system's
			s.hostile.judge()
		case p != nil:
			s.oversold(a, b)
			p.judge()
		default:
			s.oversold(a, b)
		}
	}
	clear(s.counts)
	if s.full++; s.full%50 == 0 {
		s.audit()
	}
}

// oversold checks that only a count of the shelf finds units missing.
func (s *sim) oversold(a *desktest.Shop, b *audit.Books) {
	for sku, n := range b.Shortfalls() {
		k := counted{a, sku}
		if n > s.short[k] && !s.counts[k] {
			s.Errorf("seed %d, step %s: %s oversold %s by %d", s.w.Seed, s.what, a.Name, sku, n)
		}
		s.short[k] = n
	}
}

// audit reads, verifies and replays every shop's store, and compares what it
// finds with what was seen before.
func (s *sim) audit() []*audit.Books {
	var books []*audit.Books
	for _, a := range s.w.Shops {
		b, err := audit.Shop(a.ID, a.Mem, protocol.Codec{}, s.verifier)
		if err != nil {
			s.Errorf("seed %d, step %s: %s: %v", s.w.Seed, s.what, a.Name, err)
		}
		if b == nil {
			s.FailNow()
		}
		books = append(books, b)
		s.endedOnce(a, b)
		s.staysWithdrawn(a, b)
		s.grown(a, b)
	}
	for i := range books {
		for j := range i {
			if err := audit.Pair(books[i], books[j]); err != nil {
				s.Errorf("seed %d, step %s: %v", s.w.Seed, s.what, err)
			}
		}
	}
	return books
}

// endedOnce checks that a hold that ended stays as it is (I6).
func (s *sim) endedOnce(a *desktest.Shop, b *audit.Books) {
	for k, h := range b.Holds {
		k.Partner = a.ID
		if before, ended := s.ends[k]; ended && before != h.Hold.State {
			s.Errorf("step %s: hold %v was %v and is %v", s.what, k.ID, before, h.Hold.State)
		}
		if h.Hold.State.Terminal() {
			s.ends[k] = h.Hold.State
		}
	}
}

// sameHolds checks, at rest, that what a retailer has of its open holds is what their supplier has, and
// that it was given back what nobody waits for.
func (s *sim) sameHolds(supplier, retailer *audit.Books) {
	for id, res := range retailer.Reservations {
		if res.Supplier != supplier.Shop {
			continue
		}
		bought := retailer.Purchases[audit.Key{Partner: supplier.Shop, ID: id}]
		if !res.Settled() && (bought == nil || !bought.Stands()) { // nobody has come back for a minute
			s.Errorf("30 s after healing: reservation %v is %v, released from %v, extended to %v", id, res.State, res.ReleaseAt, res.ExtendTo)
		}
		h := supplier.Holds[audit.Key{Partner: retailer.Shop, ID: id}]
		if h == nil {
			continue // never placed, or pruned
		}
		s.seen["reservation "+res.State.String()]++
		if h.Hold.State == hold.Held && (res.State != hold.Held || res.Expires != h.Hold.Expires) {
			s.Errorf("30 s after healing: hold %v runs until %v at its supplier, and at its retailer it is %v until %v", id, h.Hold.Expires, res.State, res.Expires)
		}
	}
}

// grown checks that a ledger only ever grows at its end.
func (s *sim) grown(a *desktest.Shop, b *audit.Books) {
	for id, c := range b.Ledgers {
		k := chainAt{a, id}
		if h := s.heads[k]; h.position > 0 && (len(c.Entries) < int(h.position) || c.Entries[h.position-1].Hash != h.hash) {
			s.Errorf("seed %d, step %s: %s: entry %d is lost or changed", s.w.Seed, s.what, a.Name, h.position)
		}
		s.heads[k] = head{c.Record.Chain.Position, c.Record.Chain.Hash}
	}
}

// takenBack are the proposals of a retailer that its owner has withdrawn.
type takenBack struct {
	to     uint64 // those whose requests have this number, or a lower one
	hashes map[ledger.Hash]bool
}

// tookBack notes a withdrawal at a retailer, where trade was before it.
func (s *sim) tookBack(a, from *desktest.Shop, p trade.Partnership) {
	k := chainAt{a, ledger.ID{Supplier: from.ID, Retailer: a.ID}}
	t := s.taken[k]
	if p.Queued == "propose" {
		t.to = p.QueuedNumber
	}
	if p.State.Open.By == exchange.Retailer {
		if t.hashes == nil {
			t.hashes = map[ledger.Hash]bool{}
		}
		t.hashes[p.State.Open.Hash] = true
	}
	s.taken[k] = t
}

// staysWithdrawn checks the proposals that were taken back at a retailer: one that is open
// has something on its way that closes or replaces it, so that at rest none is; and one
// that the supplier has accepted was so before it had the decline, or what was proposed or
// ended after.
func (s *sim) staysWithdrawn(a *desktest.Shop, b *audit.Books) {
	for id, c := range b.Ledgers {
		taken, ok := s.taken[chainAt{a, id}]
		if !ok {
			continue
		}
		if open := c.Partnership.State.Open; open.By == exchange.Retailer && len(c.Outbox) == 0 && taken.has(c, open.Hash) {
			s.Errorf("seed %d, step %s: %s: a withdrawn proposal is open, and nothing that closes it is on its way", s.w.Seed, s.what, a.Name)
		}
		for i, e := range c.Entries {
			accept, ok := e.Act.(message.AcceptTerms)
			if !ok || e.Own == nil || e.Outcome != exchange.CodeOK || !taken.has(c, accept.Proposal) {
				continue
			}
			if len(c.Outbox) == 0 && !slices.ContainsFunc(c.Entries[i:], func(e *audit.Entry) bool { return e.Request != nil && negotiates(e.Act) }) {
				s.Errorf("seed %d, step %s: %s: terms of a withdrawn proposal are in force, and the supplier has never had the withdrawal", s.w.Seed, s.what, a.Name)
			}
		}
	}
}

// has reports whether the proposal that an entry of the ledger carries is taken back.
func (t takenBack) has(c *audit.Ledger, proposal ledger.Hash) bool {
	return t.hashes[proposal] || slices.ContainsFunc(c.Entries, func(e *audit.Entry) bool {
		return e.Hash == proposal && e.Request != nil && e.Number <= t.to
	})
}

// negotiates reports whether an act is about the partnership, not about an order.
func negotiates(act message.Act) bool {
	switch act.(type) {
	case message.ProposeTerms, message.AcceptTerms, message.DeclineTerms, message.EndTrade:
		return true
	}
	return false
}

// answered sees every answer to a trade request that a shop gave, delivered or
// not: the same request gets the same bytes, as long as a record is kept (I2, I4).
func (s *sim) answered(from, to *desktest.Shop, raw, reply []byte) {
	if message.Kind(raw[0]) != message.KindHold {
		return
	}
	key := sha256.Sum256(slices.Concat(from.ID[:], to.ID[:], raw))
	a := s.open(to, reply)
	before, known := s.answers[key]
	if !known && a.Refusal != exchange.CodeConflict {
		s.requests = append(s.requests, sentHold{from, to, slices.Clone(raw)})
	}
	if p := s.premises[to]; p != nil && !known {
		p.bounded(from, a)
	}
	switch {
	case !known && a.Refusal != exchange.CodeConflict && a.Refusal != exchange.CodeTooOld && a.Refusal != exchange.CodeInvalid:
		s.answers[key] = reply
	case known && a.Refusal != exchange.CodeTooOld && !bytes.Equal(before, reply):
		s.Errorf("seed %d, step %s: a hold request got two answers: %+v then %+v", s.w.Seed, s.what, s.open(to, before), a)
	case known && a.Refusal == exchange.CodeTooOld && a.Hold.Window()+exchange.WindowsKept >= exchange.Window(a.At/86_400_000):
		s.Errorf("step %s: a hold's record was pruned while its window is kept", s.what)
	}
}

func (s *sim) open(by *desktest.Shop, reply []byte) *message.HoldAnswer {
	s.Helper()
	v, err := protocol.Codec{}.Decode(message.KindSealedAnswer, reply[1:])
	desktest.Must(s, err)
	payload, err := s.verifier.Open(by.ID, v.(*message.SealedAnswer).Sealed)
	desktest.Must(s, err)
	v, err = protocol.Codec{}.Decode(message.KindHoldAnswer, payload)
	desktest.Must(s, err)
	return v.(*message.HoldAnswer)
}

func (s *sim) tally(books []*audit.Books) {
	for _, b := range books {
		for _, h := range b.Holds {
			s.seen["hold "+h.Hold.State.String()]++
			if h.Latest != nil {
				s.seen["hold changed"]++
			}
		}
		for _, o := range b.Sales {
			s.seen["order "+o.Order.Status().String()]++
		}
		for _, o := range b.Own {
			s.seen["own sale "+o.Sale.Order.Status().String()]++
			if o.Late {
				s.seen["own sale of an expired reservation"]++
			}
			if len(o.Returned) > 0 {
				s.seen["own sale returned"]++
			}
		}
		for id, c := range b.Ledgers {
			if id.Supplier == b.Shop {
				s.seen["entries"] += len(c.Entries)
				s.seen["versions of terms"] += int(c.Partnership.State.Version)
				for _, e := range c.Entries {
					if e.Outcome != exchange.CodeOK {
						s.seen["request "+e.Outcome.String()]++
					}
				}
			}
		}
	}
}

func keys[K comparable, V any](m map[K]V) []K {
	var list []K
	for k := range m {
		list = append(list, k)
	}
	return list
}

// cachedVerifier verifies each signature once, however often books are read.
type cachedVerifier struct {
	*protocol.Verifier
	seen map[[32]byte]error
}

func (v *cachedVerifier) Verify(domain string, by exchange.ShopID, payload, sig []byte) error {
	key := sha256.Sum256(slices.Concat([]byte(domain), by[:], sig, payload))
	err, ok := v.seen[key]
	if !ok {
		err = v.Verifier.Verify(domain, by, payload, sig)
		v.seen[key] = err
	}
	return err
}
