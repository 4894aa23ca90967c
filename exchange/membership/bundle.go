package membership

import (
	"slices"

	"github.com/souk-market/souk/exchange"
)

// MaxBundleBytes bounds an encoded bundle: about 1,060 entries of MaxEntry bytes, so more than
// a thousand members in one answer. A longer list travels in several bundles.
const MaxBundleBytes = 1 << 20

// bundleFrame is what a bundle has besides its entries.
const bundleFrame = 2 + len(tagBundle) + 2 + maxOrigin + 8 + 2 + MaxCheckpoint + 4

// MinBundleBytes is the room that a bundle with any one entry needs. A shop that
// asks for less might get no entry, however often it asks.
const MinBundleBytes = bundleFrame + 2 + MaxEntry

// Bundle carries a checkpoint and the entries [From, From+len(Entries)) of its list. Nothing
// in a Bundle is trusted before Apply verified it. A bundle whose entries end before the
// checkpoint's size is part of a pull.
type Bundle struct {
	Origin     string
	From       uint64
	Checkpoint []byte
	Entries    [][]byte
}

// End is the index after the last entry.
func (b Bundle) End() uint64 { return b.From + uint64(len(b.Entries)) }

func (b Bundle) check() error {
	if err := checkOrigin(b.Origin); err != nil {
		return err
	}
	if len(b.Checkpoint) == 0 || len(b.Checkpoint) > MaxCheckpoint {
		return exchange.Errorf(exchange.CodeInvalid, "a checkpoint has 1 to %d bytes, not %d", MaxCheckpoint, len(b.Checkpoint))
	}
	if b.From > MaxEntries || len(b.Entries) > MaxEntries || b.End() > MaxEntries {
		return exchange.Errorf(exchange.CodeInvalid, "a member list has at most %d entries", MaxEntries)
	}
	for _, e := range b.Entries {
		if len(e) == 0 || len(e) > MaxEntry {
			return exchange.Errorf(exchange.CodeInvalid, "an entry has 1 to %d bytes, not %d", MaxEntry, len(e))
		}
	}
	return nil
}

// FitEntries returns how many of entries, from the first on, a bundle of at most maxBytes can
// carry; no bundle is larger than MaxBundleBytes.
func FitEntries(entries [][]byte, maxBytes int) int {
	room := min(maxBytes, MaxBundleBytes) - bundleFrame
	for i, e := range entries {
		if room -= 2 + len(e); room < 0 {
			return i
		}
	}
	return len(entries)
}

// Encode returns the bundle's only encoding, or CodeLimit where it is over MaxBundleBytes.
func (b Bundle) Encode() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	e := encoder{}
	e.str(tagBundle)
	e.str(b.Origin)
	e.u64(b.From)
	e.bytes(b.Checkpoint)
	e.u32(uint32(len(b.Entries)))
	for _, entry := range b.Entries {
		e.bytes(entry)
		if len(e.b) > MaxBundleBytes {
			return nil, exchange.Errorf(exchange.CodeLimit, "a bundle of %d entries is over %d bytes; send it in parts", len(b.Entries), MaxBundleBytes)
		}
	}
	return e.b, nil
}

// DecodeBundle reads untrusted bytes; the bundle shares no memory with b. The checkpoint and
// the entries stay encoded.
func DecodeBundle(b []byte) (Bundle, error) {
	if len(b) > MaxBundleBytes {
		return Bundle{}, exchange.Errorf(exchange.CodeLimit, "a bundle of %d bytes is over %d", len(b), MaxBundleBytes)
	}
	d := decoder{what: "a bundle", b: slices.Clone(b)}
	var out Bundle
	d.tag(tagBundle)
	out.Origin = d.str(maxOrigin)
	out.From = d.u64()
	out.Checkpoint = d.bytes(MaxCheckpoint)
	n := int(d.u32())
	if d.err == nil && n > len(d.b)/2 {
		d.fail("it claims %d entries", n)
	}
	for i := 0; i < n && d.err == nil; i++ {
		out.Entries = append(out.Entries, d.bytes(MaxEntry))
	}
	if err := d.done(); err != nil {
		return Bundle{}, err
	}
	if err := out.check(); err != nil {
		return Bundle{}, err
	}
	return out, nil
}
