package members

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

type clock struct{}

func (clock) Now() exchange.Time { return exchange.TimeOf(time.Unix(1_772_366_400, 0)) }

// federation has fixed keys, and one shop in its list that can be revoked.
func federation(t testing.TB) *roster.Roster {
	t.Helper()
	seeded := func(b byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
	}
	logKey, admission, shop := seeded(1), seeded(2), seeded(3)
	fed, err := membership.NewFederation("riverside", logKey.Public().(ed25519.PublicKey), admission.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	list, err := roster.Open(roster.Config{Store: store.Memory(), Federation: fed, Clock: clock{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	host := membership.HubHost{Peer: exchange.ShopID{9}, Addrs: []string{"/ip4/192.0.2.1/tcp/7401"}}
	inv, err := membership.NewInvite(fed, membership.Hub{Open: host, Closed: host}, admission,
		membership.InviteOptions{Uses: 1, Expires: clock{}.Now().Add(time.Hour)}, bytes.NewReader(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	join, err := membership.NewJoin(inv, shop, "Acorn Shoes", [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Append(logKey, join); err != nil {
		t.Fatal(err)
	}
	return list
}

// FuzzSubmission: whatever a stranger sends is refused or is one statement in its only form.
func FuzzSubmission(f *testing.F) {
	list := federation(f)
	entry, err := list.Entry(0)
	if err != nil {
		f.Fatal(err)
	}
	en, err := membership.DecodeEntry(entry)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := membership.EncodeStatement(en.Statement)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(make([]byte, 8), raw...))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		from, st, err := ParseSubmission(b)
		if err != nil {
			return
		}
		raw, err := membership.EncodeStatement(st)
		if err != nil {
			t.Fatal(err)
		}
		if again := append(binary.BigEndian.AppendUint64(nil, from), raw...); !bytes.Equal(again, b) {
			t.Errorf("%x was read as %x", b, again)
		}
	})
}

// FuzzGossip: what is accepted for passing on is signed by the hub, and never shrinks the list.
func FuzzGossip(f *testing.F) {
	list := federation(f)
	older, err := list.Bundle(0, membership.MaxBundleBytes)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range []membership.Bundle{older, {Origin: older.Origin, From: 1, Checkpoint: older.Checkpoint}} {
		raw, err := b.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{'B'}, raw...))
		f.Add(append([]byte{'E'}, raw...))
	}
	f.Add([]byte("B"))
	s, err := New(Config{Roster: list, Self: exchange.ShopID{7}, Hub: []exchange.ShopID{{9}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		from := exchange.ShopID{8}
		if s.validateList(from, b) == p2p.Accept {
			s.takeList(p2p.Message{From: from, Data: b})
		}
		if list.State().Size() < 1 || list.Evidence() != nil {
			t.Error("made-up bytes changed the list")
		}
		_ = s.validateProfile(from, b)
		s.Greeted(from, b, b)
	})
}

// FuzzProfiles: an answer is cut into pieces that make it up, or refused.
func FuzzProfiles(f *testing.F) {
	f.Add([]byte{0, 1, 'a', 0, 2, 'b', 'c'})
	f.Add([]byte{0, 0})
	f.Add([]byte{255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var whole []byte
		for rest := b; len(rest) > 0; {
			piece, next, err := nextProfile(rest)
			if err != nil {
				return
			}
			whole = append(binary.BigEndian.AppendUint16(whole, uint16(len(piece))), piece...)
			rest = next
		}
		if !bytes.Equal(whole, b) {
			t.Errorf("%x was cut into %x", b, whole)
		}
	})
}
