package roster_test

import (
	"crypto/ed25519"
	"testing"

	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/store"
)

// BenchmarkMembers measures a federation of 10,000 shops: the first pull, with all signatures,
// beside its floor of three Ed25519 verifications a join; and a start from the store.
func BenchmarkMembers(b *testing.B) {
	const members = 10_000
	h := newHub(b)
	joins := make([]membership.Statement, members)
	for i := range joins {
		joins[i] = h.join(h.key())
	}
	h.append(joins...)
	b.Run("floor", func(b *testing.B) {
		key, message := seededKey(1), make([]byte, 500)
		sig := ed25519.Sign(key, message)
		for b.Loop() {
			for range 3 * members {
				if !ed25519.Verify(public(key), message, sig) {
					b.Fatal("it does not verify")
				}
			}
		}
	})
	b.Run("pull", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.pull(h.open(store.Memory()), h.list, 0, membership.MaxBundleBytes); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			h.open(h.store)
		}
	})
	b.Run("join", func(b *testing.B) {
		for b.Loop() {
			h.append(h.join(h.key()))
		}
	})
}
