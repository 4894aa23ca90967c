package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/pb"
)

func payloads(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "payload %d of %d", i, n)
	}
	return out
}

func TestSealsOpen(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 16, 17, 255, 256, 1024} {
		t.Run(fmt.Sprintf("batch of %d", n), func(t *testing.T) {
			in := payloads(n)
			sealed, err := signerOf("acorn").Seal(in)
			if err != nil || len(sealed) != n {
				t.Fatalf("%d leaves: %v", len(sealed), err)
			}
			verifier := protocol.NewVerifier(origin, membersOf("acorn"))
			for i, s := range sealed {
				if len(s) > len(in[i])+protocol.MaxSealOverhead {
					t.Fatalf("the seal of %d bytes has %d", len(in[i]), len(s))
				}
				got, err := verifier.Open(shopID("acorn"), s)
				if err != nil || !bytes.Equal(got, in[i]) {
					t.Fatalf("leaf %d: %q, %v", i, got, err)
				}
				if got, err = protocol.Peek(s); err != nil || !bytes.Equal(got, in[i]) {
					t.Fatalf("peek at leaf %d: %q, %v", i, got, err)
				}
			}
		})
	}
}

// The hand-written form of a seal is the schema's.
func TestSealIsTheSchemas(t *testing.T) {
	for _, n := range []int{1, 2, 7} {
		t.Run(fmt.Sprintf("batch of %d", n), func(t *testing.T) {
			sealed, err := signerOf("acorn").Seal(payloads(n))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range sealed {
				var m pb.Sealed
				if err := proto.Unmarshal(s, &m); err != nil {
					t.Fatal(err)
				}
				again, err := proto.MarshalOptions{Deterministic: true}.Marshal(&m)
				if err != nil || !bytes.Equal(again, s) || len(m.ProtoReflect().GetUnknown()) > 0 {
					t.Fatalf("%x\n%x\n%v", s, again, err)
				}
			}
		})
	}
}

// No leaf shows another's payload, nor lets one guess at it: equal payloads differ.
func TestEqualPayloadsDiffer(t *testing.T) {
	sealed, err := signerOf("acorn").Seal([][]byte{[]byte("same"), []byte("same")})
	if err != nil {
		t.Fatal(err)
	}
	var a, b pb.Sealed
	if err := proto.Unmarshal(sealed[0], &a); err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(sealed[1], &b); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.Leaf, b.Leaf) || len(a.Leaf) != 16+len("same") {
		t.Fatalf("%x\n%x", a.Leaf, b.Leaf)
	}
}

// hostileSeals change one thing of a good seal of three leaves.
var hostileSeals = map[string]func(m, other *pb.Sealed){
	"another index":      func(m, _ *pb.Sealed) { m.Index++ },
	"index beyond size":  func(m, _ *pb.Sealed) { m.Index = m.Size },
	"another size":       func(m, _ *pb.Sealed) { m.Size++ },
	"size zero":          func(m, _ *pb.Sealed) { m.Size = 0 },
	"truncated path":     func(m, _ *pb.Sealed) { m.Path = m.Path[:len(m.Path)-32] },
	"no path":            func(m, _ *pb.Sealed) { m.Path = nil },
	"half a node":        func(m, _ *pb.Sealed) { m.Path = m.Path[:len(m.Path)-16] },
	"longer path":        func(m, _ *pb.Sealed) { m.Path = append(m.Path, make([]byte, 32)...) },
	"endless path":       func(m, _ *pb.Sealed) { m.Path = make([]byte, 33*32) },
	"swapped path":       func(m, _ *pb.Sealed) { m.Path = append(slices.Clone(m.Path[32:]), m.Path[:32]...) },
	"swapped leaf":       func(m, o *pb.Sealed) { m.Leaf = o.Leaf },
	"another salt":       func(m, _ *pb.Sealed) { m.Leaf[0] ^= 1 },
	"another payload":    func(m, _ *pb.Sealed) { m.Leaf[len(m.Leaf)-1] ^= 1 },
	"no payload":         func(m, _ *pb.Sealed) { m.Leaf = m.Leaf[:16] },
	"node as leaf":       func(m, _ *pb.Sealed) { m.Leaf, m.Path, m.Index, m.Size = m.Path, nil, 0, 1 },
	"another signature":  func(m, _ *pb.Sealed) { m.Signature[3] ^= 1 },
	"no signature":       func(m, _ *pb.Sealed) { m.Signature = nil },
	"longer signature":   func(m, _ *pb.Sealed) { m.Signature = append(m.Signature, 0) },
	"foreign signature":  func(m, o *pb.Sealed) { m.Signature = o.Signature },
	"another batch root": func(m, o *pb.Sealed) { m.Path, m.Leaf, m.Index = o.Path, o.Leaf, o.Index },
}

func TestHostileSealsAreRefused(t *testing.T) {
	signer := signerOf("acorn")
	good, err := signer.Seal(payloads(3))
	if err != nil {
		t.Fatal(err)
	}
	other, err := signer.Seal(payloads(3))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range hostileSeals {
		t.Run(name, func(t *testing.T) {
			var m, o pb.Sealed
			if proto.Unmarshal(good[0], &m) != nil || proto.Unmarshal(other[1], &o) != nil {
				t.Fatal("a good seal does not parse")
			}
			change(&m, &o)
			bad, err := proto.Marshal(&m)
			if err != nil {
				t.Fatal(err)
			}
			verifier := protocol.NewVerifier(origin, membersOf("acorn"))
			for _, state := range []string{"cold", "warm"} {
				if got, err := verifier.Open(shopID("acorn"), bad); err == nil {
					t.Fatalf("%s: opened to %q", state, got)
				}
				// Seeing the good seals of both batches must not help the bad one.
				for _, s := range append(slices.Clone(good), other...) {
					if _, err := verifier.Open(shopID("acorn"), s); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

func TestSealOfAnotherShop(t *testing.T) {
	list := membersOf("acorn", "birch")
	verifier := protocol.NewVerifier(origin, list)
	sealed, err := signerOf("acorn").Seal(payloads(2))
	if err != nil {
		t.Fatal(err)
	}
	_, err = verifier.Open(shopID("birch"), sealed[0])
	wantCode(t, "as another member's", err, exchange.CodeSignature)
	_, err = verifier.Open(shopID("cedar"), sealed[0])
	wantCode(t, "as a stranger's", err, exchange.CodeNotMember)
	if _, err = verifier.Open(shopID("acorn"), sealed[0]); err != nil {
		t.Fatal(err)
	}
	_, err = verifier.Open(shopID("birch"), sealed[0])
	wantCode(t, "as another member's, once its batch is known", err, exchange.CodeSignature)

	delete(list, shopID("acorn"))
	_, err = verifier.Open(shopID("acorn"), sealed[1])
	wantCode(t, "of a revoked shop, once its batch is known", err, exchange.CodeNotMember)
	list[shopID("acorn")] = shopKey("rotated").Public().(ed25519.PublicKey)
	_, err = verifier.Open(shopID("acorn"), sealed[1])
	wantCode(t, "under another key, once its batch is known", err, exchange.CodeSignature)

	foreign := protocol.NewVerifier("souk/other", membersOf("acorn"))
	_, err = foreign.Open(shopID("acorn"), sealed[0])
	wantCode(t, "in another federation", err, exchange.CodeSignature)
}

func TestSignatures(t *testing.T) {
	signer, payload := signerOf("acorn"), []byte("a request")
	sig, err := signer.Sign(message.DomainRequest, payload)
	if err != nil {
		t.Fatal(err)
	}
	v := protocol.NewVerifier(origin, membersOf("acorn", "birch"))
	if err := v.Verify(message.DomainRequest, shopID("acorn"), payload, sig); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "domain", v.Verify(message.DomainHead, shopID("acorn"), payload, sig), exchange.CodeSignature)
	wantCode(t, "payload", v.Verify(message.DomainRequest, shopID("acorn"), []byte("another"), sig), exchange.CodeSignature)
	wantCode(t, "shop", v.Verify(message.DomainRequest, shopID("birch"), payload, sig), exchange.CodeSignature)
	wantCode(t, "stranger", v.Verify(message.DomainRequest, shopID("cedar"), payload, sig), exchange.CodeNotMember)
	wantCode(t, "length", v.Verify(message.DomainRequest, shopID("acorn"), payload, sig[:63]), exchange.CodeSignature)
	foreign := protocol.NewVerifier("souk/other", membersOf("acorn"))
	wantCode(t, "federation", foreign.Verify(message.DomainRequest, shopID("acorn"), payload, sig), exchange.CodeSignature)
}

// Only a seal can be signed or accepted under the domain of batches.
func TestBatchDomainIsReserved(t *testing.T) {
	signer := signerOf("acorn")
	_, err := signer.Sign(message.DomainBatch, make([]byte, 40))
	wantCode(t, "sign", err, exchange.CodeInvalid)
	v := protocol.NewVerifier(origin, membersOf("acorn"))
	wantCode(t, "verify", v.Verify(message.DomainBatch, shopID("acorn"), make([]byte, 40), make([]byte, 64)), exchange.CodeInvalid)
}

func TestBadDomainsAndOrigins(t *testing.T) {
	for _, domain := range []string{"", "a\nb", "a b", "a\x00", "é", string(bytes.Repeat([]byte("d"), 33))} {
		t.Run(fmt.Sprintf("domain %q", domain), func(t *testing.T) {
			_, err := signerOf("acorn").Sign(domain, nil)
			wantCode(t, "sign", err, exchange.CodeInvalid)
		})
	}
	for _, o := range []string{"", string(bytes.Repeat([]byte("o"), 256))} {
		t.Run(fmt.Sprintf("origin of %d bytes", len(o)), func(t *testing.T) {
			_, err := protocol.NewSigner(shopKey("acorn"), o, nil).Sign(message.DomainHead, nil)
			wantCode(t, "sign", err, exchange.CodeInvalid)
		})
	}
}

func TestSealLimits(t *testing.T) {
	signer := signerOf("acorn")
	_, err := signer.Seal([][]byte{nil})
	wantCode(t, "empty payload", err, exchange.CodeInvalid)
	_, err = signer.Seal([][]byte{make([]byte, protocol.MaxEntry+1)})
	wantCode(t, "long payload", err, exchange.CodeInvalid)
	_, err = signer.Seal(make([][]byte, protocol.MaxBatch+1))
	wantCode(t, "large batch", err, exchange.CodeLimit)
	_, err = protocol.NewSigner(shopKey("acorn"), origin, bytes.NewReader(nil)).Seal(payloads(1))
	wantCode(t, "no randomness", err, exchange.CodeInternal)
	_, err = protocol.Peek(make([]byte, 1<<20))
	wantCode(t, "peek at a megabyte", err, exchange.CodeInvalid)
}

// A seal opens to its payload and to nothing else, whatever is done to its bytes.
func TestDamagedSeals(t *testing.T) {
	signer := protocol.NewSigner(shopKey("acorn"), origin, nil)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "leaves")
		i := rapid.IntRange(0, n-1).Draw(t, "leaf")
		sealed, err := signer.Seal(payloads(n))
		if err != nil {
			t.Fatal(err)
		}
		b := slices.Clone(sealed[i])
		for range rapid.IntRange(1, 3).Draw(t, "flips") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		v := protocol.NewVerifier(origin, membersOf("acorn"))
		got, err := v.Open(shopID("acorn"), b)
		if err == nil && !bytes.Equal(got, payloads(n)[i]) {
			t.Fatalf("opened to %q", got)
		}
	})
}
