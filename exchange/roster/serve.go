package roster

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// Bundle answers another shop's question for the entries from an index on. It returns the newest
// checkpoint and as many of the entries as fit in maxBytes, which must be at least
// [membership.MinBundleBytes] (else CodeInvalid). From an index beyond the end it returns the
// checkpoint alone. CodeUnavailable means that there is no list here yet.
func (r *Roster) Bundle(from uint64, maxBytes int) (membership.Bundle, error) {
	s := r.State()
	if s.Checkpoint().Note == nil {
		return membership.Bundle{}, exchange.Errorf(exchange.CodeUnavailable, "there is no member list here yet; ask the hub")
	}
	if maxBytes < membership.MinBundleBytes {
		return membership.Bundle{}, exchange.Errorf(exchange.CodeInvalid, "%d bytes are too few for an answer; allow %d", maxBytes, membership.MinBundleBytes)
	}
	b := membership.Bundle{
		Origin:     s.Federation().Origin,
		From:       min(from, s.Size()),
		Checkpoint: s.Checkpoint().Note,
	}
	if b.From == s.Size() {
		return b, nil
	}
	room := min(maxBytes, membership.MaxBundleBytes)
	entries, err := readEntries(r.cfg.Store, b.From, s.Size(), func(bytes int) bool { return bytes < room })
	if err != nil {
		return membership.Bundle{}, err
	}
	b.Entries = entries[:membership.FitEntries(entries, maxBytes)]
	return b, nil
}

// Entry returns the exact bytes of entry index, or CodeNotFound.
func (r *Roster) Entry(index uint64) ([]byte, error) {
	if index >= r.State().Size() {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the member list has %d entries, none at %d", r.State().Size(), index)
	}
	b, ok, err := r.cfg.Store.Get(keyEntry(index))
	if err == nil && !ok {
		err = damaged("entry %d is missing", index)
	}
	return b, err
}

// Collector makes one bundle of a peer's answers to a pull, because Apply wants all entries up to
// the checkpoint at once. It trusts only what the hub signed: it takes no more entries than the
// newest checkpoint covers (at most MaxEntries × MaxEntry bytes). A Collector belongs to one
// goroutine.
type Collector struct {
	fed        membership.Federation
	bundle     membership.Bundle
	checkpoint membership.Checkpoint
}

// NewCollector starts a pull at an index: the size of the own list, or 0 for all entries, as after
// an Apply that answered CodeSignature.
func NewCollector(f membership.Federation, from uint64) *Collector {
	return &Collector{fed: f, bundle: membership.Bundle{Origin: f.Origin, From: from}}
}

// Next is the index to ask for.
func (c *Collector) Next() uint64 { return c.bundle.End() }

// Add takes an answer and reports whether the pull is complete. An answer with other entries than
// were asked for, or with none, is CodeInvalid: ask another peer.
func (c *Collector) Add(b membership.Bundle) (done bool, err error) {
	got, err := membership.OpenCheckpoint(c.fed, b.Checkpoint)
	if err != nil {
		return false, err
	}
	if newer := got.Size > c.checkpoint.Size || got.Size == c.checkpoint.Size && got.Time > c.checkpoint.Time; newer || c.checkpoint.Note == nil {
		c.checkpoint, c.bundle.Checkpoint = got, got.Note
	}
	if b.Origin != c.fed.Origin || b.From != c.Next() && len(b.Entries) > 0 || b.End() > max(c.Next(), c.checkpoint.Size) {
		return false, exchange.Errorf(exchange.CodeInvalid, "the entries from %d to %d are not those asked for, from %d", b.From, b.End(), c.Next())
	}
	c.bundle.Entries = append(c.bundle.Entries, b.Entries...)
	if c.Next() >= c.checkpoint.Size {
		return true, nil
	}
	if len(b.Entries) == 0 {
		return false, exchange.Errorf(exchange.CodeInvalid, "no entries came after %d of %d", c.Next(), c.checkpoint.Size)
	}
	return false, nil
}

// Bundle is the bundle of all answers, for Apply once Add reported that the pull is complete.
func (c *Collector) Bundle() membership.Bundle { return c.bundle }
