package membership

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

// start is a moment with milliseconds, 2026-03-01T12:00:00.250Z.
const start exchange.Time = 1772366400_250

// seededKey makes the same key from the same number.
func seededKey(n uint64) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("test key"), n))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func shopOf(k ed25519.PrivateKey) exchange.ShopID { return exchange.ShopID(public(k)) }

// world is a hub that keeps its entries: what the tests need of one.
type world struct {
	t         fataler
	fed       Federation
	hub       Hub
	logKey    ed25519.PrivateKey
	admission ed25519.PrivateKey
	state     *State
	entries   [][]byte
	now       exchange.Time
	seq       uint64
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

var (
	_ fataler = (*testing.T)(nil)
	_ fataler = (*rapid.T)(nil)
)

func newWorld(t fataler) *world {
	t.Helper()
	w := &world{t: t, logKey: seededKey(1), admission: seededKey(2), now: start, seq: 1000}
	w.fed = must(NewFederation("riverside", public(w.logKey), public(w.admission)))(t)
	w.hub = Hub{
		Open:   HubHost{Peer: shopOf(seededKey(3)), Addrs: []string{"/ip4/192.0.2.1/tcp/4001", "/ip4/192.0.2.1/udp/4001/quic-v1"}},
		Closed: HubHost{Peer: shopOf(seededKey(4)), Addrs: []string{"/dns4/hub.example/tcp/4002"}},
	}
	w.state = must(New(w.fed))(t)
	return w
}

// must returns the value of a call that may not fail.
func must[T any](v T, err error) func(fataler) T {
	return func(t fataler) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v", err)
		}
		return v
	}
}

func (w *world) key() ed25519.PrivateKey {
	w.seq++
	return seededKey(w.seq)
}

func (w *world) invite(uses uint32) Invite {
	w.t.Helper()
	return w.inviteWith(InviteOptions{Uses: uses, Expires: w.now.Add(72 * time.Hour)})
}

func (w *world) inviteWith(o InviteOptions) Invite {
	w.t.Helper()
	w.seq++
	random := sha512.Sum512(binary.BigEndian.AppendUint64(nil, w.seq))
	return must(NewInvite(w.fed, w.hub, w.admission, o, bytes.NewReader(random[:])))(w.t)
}

func (w *world) join(i Invite, shop ed25519.PrivateKey) Join {
	w.t.Helper()
	return must(NewJoin(i, shop, "Acorn Shoes", sha256.Sum256(public(shop))))(w.t)
}

// append has the hub append statements by its own rules.
func (w *world) append(statements ...Statement) Bundle {
	w.t.Helper()
	b := must(w.state.Sign(w.logKey, statements, w.now))(w.t)
	w.take(b)
	return b
}

// take applies the hub's bundle to its own list, which must accept it.
func (w *world) take(b Bundle) []Change {
	w.t.Helper()
	next, changes, err := w.state.Apply(b, w.now)
	if err != nil || next.Evidence() != nil {
		w.t.Fatalf("the hub's own bundle: %v, %v", err, next.Evidence())
	}
	w.entries = append(w.entries, b.Entries...)
	w.state = next
	return changes
}

// cheat signs entries that no rule was asked about, as a hub does that cheats.
func (w *world) cheat(at exchange.Time, statements ...Statement) Bundle {
	w.t.Helper()
	b := Bundle{Origin: w.fed.Origin, From: uint64(len(w.entries))}
	for _, s := range statements {
		b.Entries = append(b.Entries, must(Entry{At: at, Statement: s}.Encode())(w.t))
	}
	w.signOver(&b, w.entries)
	return b
}

// signOver gives b a checkpoint over the entries before it and its own.
func (w *world) signOver(b *Bundle, before [][]byte) {
	w.t.Helper()
	tr := tree{}.with(0, append(append([][]byte(nil), before...), b.Entries...))
	b.Checkpoint = must(SignCheckpoint(w.fed, w.logKey, tr.size, tr.root(tr.size), w.now))(w.t).Note
}

// whole is the list from its start, as any member serves it.
func (w *world) whole() Bundle {
	return Bundle{Origin: w.fed.Origin, Checkpoint: w.state.Checkpoint().Note, Entries: w.entries}
}

// fork copies the hub: both go on from the same list and sign with the same keys.
func (w *world) fork() *world {
	c := *w
	c.entries = append([][]byte(nil), w.entries...)
	c.seq += 1 << 32
	return &c
}

func (w *world) shop() *State {
	w.t.Helper()
	return must(New(w.fed))(w.t)
}

func wantCode(t fataler, err error, code exchange.Code) {
	t.Helper()
	if exchange.CodeOf(err) != code {
		t.Fatalf("%v (%v), want %v", err, exchange.CodeOf(err), code)
	}
}
