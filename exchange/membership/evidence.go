package membership

import (
	"bytes"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/souk-market/souk/exchange"
)

// maxProof bounds a consistency proof: at most two hashes a level of a tree of MaxEntries ≤ 2^20.
const maxProof = 40

// maxEvidence bounds encoded evidence, in bytes: two checkpoints and a proof.
const maxEvidence = 2 + len(tagEvidence) + 2 + maxOrigin + 2*(2+MaxCheckpoint) + tlog.HashSize + 1 + maxProof*tlog.HashSize

// Evidence proves to anybody who has the public log key that the key signed two lists, neither
// of which continues the other. Proof shows that the first entries of the larger list have the
// root Prefix; the smaller checkpoint, over as many entries, has another root.
type Evidence struct {
	Smaller, Larger []byte      // signed notes, by size; at equal sizes by root
	Prefix          tlog.Hash   // zero for equal sizes
	Proof           []tlog.Hash // none for equal sizes
}

// newEvidence makes the proof from two checkpoints of which the caller knows that they
// contradict each other. larger is the tree of the larger checkpoint.
func newEvidence(a, b Checkpoint, larger tree) Evidence {
	if a.Size > b.Size || a.Size == b.Size && bytes.Compare(a.Root[:], b.Root[:]) > 0 {
		a, b = b, a
	}
	e := Evidence{Smaller: a.Note, Larger: b.Note}
	if a.Size < b.Size {
		e.Prefix, e.Proof = larger.root(a.Size), larger.proof(a.Size)
	}
	return e
}

// Verify reports evidence that proves nothing, as CodeInvalid or CodeSignature.
func (e Evidence) Verify(f Federation) error {
	_, _, err := e.open(f)
	return err
}

// open verifies e and returns its checkpoints.
func (e Evidence) open(f Federation) (smaller, larger Checkpoint, err error) {
	if smaller, err = OpenCheckpoint(f, e.Smaller); err != nil {
		return smaller, larger, err
	}
	if larger, err = OpenCheckpoint(f, e.Larger); err != nil {
		return smaller, larger, err
	}
	if smaller.Size == larger.Size {
		if len(e.Proof) > 0 || e.Prefix != (tlog.Hash{}) || bytes.Compare(smaller.Root[:], larger.Root[:]) >= 0 {
			err = exchange.Errorf(exchange.CodeInvalid, "the evidence proves nothing: the two checkpoints are of the same list, or out of order")
		}
		return smaller, larger, err
	}
	if smaller.Size == 0 || smaller.Size > larger.Size || e.Prefix == smaller.Root {
		return smaller, larger, exchange.Errorf(exchange.CodeInvalid, "the evidence proves nothing: the two checkpoints belong together")
	}
	if err := tlog.CheckTree(e.Proof, int64(larger.Size), larger.Root, int64(smaller.Size), e.Prefix); err != nil {
		return smaller, larger, exchange.Errorf(exchange.CodeSignature, "the evidence's proof does not hold: %w", err)
	}
	return smaller, larger, nil
}

// Encode returns the evidence's only encoding.
func (e Evidence) Encode(origin string) []byte {
	w := encoder{}
	w.str(tagEvidence)
	w.str(origin)
	w.bytes(e.Smaller)
	w.bytes(e.Larger)
	w.raw(e.Prefix[:])
	w.u8(uint8(len(e.Proof)))
	for _, h := range e.Proof {
		w.raw(h[:])
	}
	return w.b
}

// DecodeEvidence reads untrusted bytes and verifies nothing but their form.
func DecodeEvidence(b []byte) (origin string, e Evidence, err error) {
	if len(b) > maxEvidence {
		return "", Evidence{}, exchange.Errorf(exchange.CodeInvalid, "evidence of %d bytes is over %d", len(b), maxEvidence)
	}
	d := decoder{what: "the evidence", b: bytes.Clone(b)}
	d.tag(tagEvidence)
	origin = d.str(maxOrigin)
	e.Smaller = d.bytes(MaxCheckpoint)
	e.Larger = d.bytes(MaxCheckpoint)
	d.fill(e.Prefix[:])
	n := int(d.u8())
	if n > maxProof {
		d.fail("its proof has %d hashes", n)
	}
	for i := 0; i < n && d.err == nil; i++ {
		var h tlog.Hash
		d.fill(h[:])
		e.Proof = append(e.Proof, h)
	}
	if err := d.done(); err != nil {
		return "", Evidence{}, err
	}
	return origin, e, nil
}

// VerifyEvidence decodes evidence and verifies it for a federation. It needs no list, so that a
// third party can run it.
func VerifyEvidence(f Federation, b []byte) (Evidence, error) {
	origin, e, err := DecodeEvidence(b)
	if err != nil {
		return Evidence{}, err
	}
	if origin != f.Origin {
		return Evidence{}, exchange.Errorf(exchange.CodeInvalid, "the evidence is about %q, not %q", origin, f.Origin)
	}
	return e, e.Verify(f)
}
