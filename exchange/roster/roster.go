package roster

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
)

// Config is what a Roster needs.
type Config struct {
	Store      kv.Store
	Federation membership.Federation
	Clock      exchange.Clock
	Log        *slog.Logger
	// HaltAfter is the age of the list at which MayTrade refuses; 0 = never.
	HaltAfter time.Duration
}

// Roster is a member list in a store. Its methods are safe for concurrent use.
type Roster struct {
	cfg   Config
	log   *slog.Logger
	state atomic.Pointer[membership.State] // written under mu, when the State is durable

	mu      sync.Mutex // held by each method that commits, and while subscribers are called
	broken  error      // guarded by mu: a commit's outcome is unknown
	illegal string     // guarded by mu: the last Illegal event's text, which is not told twice

	profiles    profiles
	subscribers subscribers
}

// Open loads and verifies the list in the store; an empty store is an empty list. A damaged
// store is CodeSignature, the store of another federation CodeConflict.
func Open(cfg Config) (*Roster, error) {
	state, err := load(cfg.Store, cfg.Federation)
	if err != nil {
		return nil, err
	}
	r := &Roster{cfg: cfg, log: cfg.Log}
	r.state.Store(state)
	if err := r.loadProfiles(); err != nil {
		return nil, err
	}
	return r, nil
}

// State is the whole list as it is now.
func (r *Roster) State() *membership.State { return r.state.Load() }

// IsMember reports whether shop is in the list and neither left nor was revoked.
func (r *Roster) IsMember(shop exchange.ShopID) bool { return r.State().IsMember(shop) }

// Member returns a shop that is or was in the list.
func (r *Roster) Member(shop exchange.ShopID) (membership.Member, bool) {
	return r.State().Member(shop)
}

// Members are all shops that are or were in the list, in the order of joining.
func (r *Roster) Members() []membership.Member { return r.State().Members() }

// Key is the key that a member signs with now.
func (r *Roster) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	m, ok := r.Member(shop)
	return m.Key, ok && m.Status == membership.Active
}

// MayTakeOn reports nil where the list is fresh enough for new partnerships,
// else CodeFreshness or CodeFrozen.
func (r *Roster) MayTakeOn() error { return r.State().MayTakeOn(r.cfg.Clock.Now()) }

// MayTrade reports CodeFreshness where the list is older than HaltAfter, which the owner may set;
// else existing partnerships trade on and MayTrade returns nil.
func (r *Roster) MayTrade() error {
	if r.cfg.HaltAfter == 0 {
		return nil
	}
	if age := r.State().Age(r.cfg.Clock.Now()); r.State().Checkpoint().Note == nil || age > r.cfg.HaltAfter {
		return exchange.Errorf(exchange.CodeFreshness,
			"trade is halted: the member list is older than the %v that this shop allows; connect to the hub or to any member, or raise the limit", r.cfg.HaltAfter)
	}
	return nil
}

// Freshness grades the list's age.
func (r *Roster) Freshness() membership.Freshness {
	return r.State().Freshness(r.cfg.Clock.Now())
}

// Checkpoint is the newest signed note, which every greeting carries; nil before the first.
func (r *Roster) Checkpoint() []byte { return r.State().Checkpoint().Note }

// Evidence is the encoded proof that froze the list, for anybody to verify with
// membership.VerifyEvidence; nil where there is none.
func (r *Roster) Evidence() []byte {
	s := r.State()
	if s.Evidence() == nil {
		return nil
	}
	return s.Evidence().Encode(s.Federation().Origin)
}

// Apply verifies a bundle, stores what the bundle adds and tells the subscribers. It refuses what
// [membership.State.Apply] refuses, with the same codes. A bundle that proves that the hub signed
// two lists freezes the list and returns CodeFrozen. nil means that the list is now at least as
// new as the bundle.
func (r *Roster) Apply(b membership.Bundle) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.apply(b)
}

// Append extends the hub's list by statements; without statements it renews the checkpoint. It
// signs, verifies and stores, in this order and for one caller at a time. The bundle that it
// returns is durable and may be sent. Append appends all statements or none; its error is about
// the first statement that the rules refuse.
func (r *Roster) Append(logKey ed25519.PrivateKey, statements ...membership.Statement) (membership.Bundle, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := r.State().Sign(logKey, statements, r.cfg.Clock.Now())
	if err == nil {
		err = r.apply(b)
	}
	if err != nil {
		return membership.Bundle{}, err
	}
	return b, nil
}

// apply is Apply with mu held.
func (r *Roster) apply(b membership.Bundle) error {
	state := r.State()
	next, changes, err := state.Apply(b, r.cfg.Clock.Now())
	switch {
	case exchange.CodeOf(err) == exchange.CodeFork:
		r.alarm(err)
		return err
	case err != nil:
		return err
	case next == state:
		return nil
	case next.Evidence() != nil:
		return r.freeze(next)
	}
	if err := r.commit(newEntries(state, next, b)); err != nil {
		return err
	}
	r.state.Store(next)
	r.subscribers.changed(next, changes)
	return nil
}

// ApplyEvidence verifies encoded evidence that another shop found, and freezes the list. It
// returns nil when the list is frozen, by this evidence or by earlier evidence.
func (r *Roster) ApplyEvidence(encoded []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.State()
	if state.Evidence() != nil {
		return nil
	}
	e, err := membership.VerifyEvidence(state.Federation(), encoded)
	if err != nil {
		return err
	}
	next, err := state.Freeze(e, membership.CommonUnknown)
	if err != nil {
		return err
	}
	if err := r.freeze(next); exchange.CodeOf(err) != exchange.CodeFrozen {
		return err
	}
	return nil
}

// freeze stores the evidence of next and returns CodeFrozen. It is called with mu held.
func (r *Roster) freeze(next *membership.State) error {
	if err := r.commit([][]kv.Write{{evidenceWrite(next)}}); err != nil {
		return err
	}
	r.state.Store(next)
	err := next.MayTakeOn(r.cfg.Clock.Now())
	r.log.Error("the member list is frozen: the hub signed two that contradict each other", "agree_up_to", next.Common())
	r.subscribers.tell(Event{Kind: Frozen, Err: err})
	return err
}

// alarm reports that the hub signed a list that breaks the rules. It reports each such list once,
// and is called with mu held.
func (r *Roster) alarm(err error) {
	if r.illegal == err.Error() {
		return
	}
	r.illegal = err.Error()
	r.log.Error("the hub signed a member list that breaks the rules; it is refused", "err", err)
	r.subscribers.tell(Event{Kind: Illegal, Err: err})
}

// commit stores the batches in order. It is called with mu held.
func (r *Roster) commit(batches [][]kv.Write) error {
	if r.broken != nil {
		return r.broken
	}
	for _, batch := range batches {
		err := r.cfg.Store.Commit(batch)
		if err == nil {
			continue
		}
		if !errors.Is(err, kv.ErrRefused) {
			r.broken = exchange.Errorf(exchange.CodeInternal, "the member list was not stored for certain; restart: %w", err)
			return r.broken
		}
		return err
	}
	return nil
}
