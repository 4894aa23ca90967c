package roster_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/store"
)

const start exchange.Time = 1772366400_250

// clock is set by the test.
type clock struct{ now atomic.Int64 }

func (c *clock) Now() exchange.Time      { return exchange.Time(c.now.Load()) }
func (c *clock) advance(d time.Duration) { c.now.Add(d.Milliseconds()) }

func seededKey(n uint64) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("test key"), n))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func shopOf(k ed25519.PrivateKey) exchange.ShopID { return exchange.ShopID(public(k)) }

// hub appends to a list of its own in a store in memory.
type hub struct {
	t         testing.TB
	clock     *clock
	fed       membership.Federation
	logKey    ed25519.PrivateKey
	admission ed25519.PrivateKey
	store     *store.Mem
	list      *roster.Roster
	seq       uint64
}

func newHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{t: t, clock: &clock{}, logKey: seededKey(1), admission: seededKey(2), store: store.Memory(), seq: 1000}
	h.clock.now.Store(int64(start))
	var err error
	if h.fed, err = membership.NewFederation("riverside", public(h.logKey), public(h.admission)); err != nil {
		t.Fatal(err)
	}
	h.list = h.open(h.store)
	return h
}

// fork is the same hub gone on alone, from what is stored now.
func (h *hub) fork() *hub {
	c := *h
	c.store = h.store.Clone()
	c.list = h.open(c.store)
	c.seq += 1 << 32
	return &c
}

func (h *hub) config(s kv.Store) roster.Config {
	return roster.Config{Store: s, Federation: h.fed, Clock: h.clock, Log: slog.New(slog.DiscardHandler)}
}

func (h *hub) open(s kv.Store) *roster.Roster {
	h.t.Helper()
	r, err := roster.Open(h.config(s))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *hub) key() ed25519.PrivateKey {
	h.seq++
	return seededKey(h.seq)
}

func (h *hub) join(shop ed25519.PrivateKey) membership.Join {
	h.t.Helper()
	h.seq++
	random := sha512.Sum512(binary.BigEndian.AppendUint64(nil, h.seq))
	host := membership.HubHost{Peer: shopOf(h.logKey), Addrs: []string{"/ip4/192.0.2.1/tcp/4001"}}
	inv, err := membership.NewInvite(h.fed, membership.Hub{Open: host, Closed: host}, h.admission,
		membership.InviteOptions{Uses: 1, Expires: h.clock.Now().Add(time.Hour)}, bytes.NewReader(random[:]))
	if err != nil {
		h.t.Fatal(err)
	}
	j, err := membership.NewJoin(inv, shop, fmt.Sprintf("Shop %d", h.seq), sha256.Sum256(public(shop)))
	if err != nil {
		h.t.Fatal(err)
	}
	return j
}

func (h *hub) append(statements ...membership.Statement) membership.Bundle {
	h.t.Helper()
	b, err := h.list.Append(h.logKey, statements...)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// voids are n entries that cost one signature each.
func (h *hub) voids(n int, why string) []membership.Statement {
	h.t.Helper()
	out := make([]membership.Statement, n)
	for i := range out {
		h.seq++
		var id membership.InviteID
		binary.BigEndian.PutUint64(id[:], h.seq)
		v, err := membership.NewVoid(h.fed.Origin, h.admission, id, why)
		if err != nil {
			h.t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

// pull brings all that from has to r, in answers of at most maxBytes.
func (h *hub) pull(r, from *roster.Roster, index uint64, maxBytes int) (answers int, err error) {
	h.t.Helper()
	c := roster.NewCollector(h.fed, index)
	for done := false; !done; answers++ {
		b, err := from.Bundle(c.Next(), maxBytes)
		if err != nil {
			return answers, err
		}
		raw, err := b.Encode()
		if err != nil || len(raw) > maxBytes {
			h.t.Fatalf("an answer of %d bytes, %v", len(raw), err)
		}
		if b, err = membership.DecodeBundle(raw); err != nil {
			h.t.Fatal(err)
		}
		if done, err = c.Add(b); err != nil {
			return answers, err
		}
	}
	return answers, r.Apply(c.Bundle())
}

// same holds two lists to be equal.
func same(t testing.TB, got, want *roster.Roster) {
	t.Helper()
	if !bytes.Equal(got.Checkpoint(), want.Checkpoint()) {
		t.Fatalf("checkpoints differ:\n%s\n%s", got.Checkpoint(), want.Checkpoint())
	}
	if a, b := fmt.Sprintf("%+v", got.Members()), fmt.Sprintf("%+v", want.Members()); a != b {
		t.Fatalf("members differ:\n%s\n%s", a, b)
	}
}

func wantCode(t testing.TB, err error, code exchange.Code) {
	t.Helper()
	if exchange.CodeOf(err) != code {
		t.Fatalf("%v (%v), want %v", err, exchange.CodeOf(err), code)
	}
}
