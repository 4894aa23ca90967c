package roster_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/store"
)

func (h *hub) profile(shop ed25519.PrivateKey, sequence uint64, sells string) []byte {
	h.t.Helper()
	return must(membership.SignProfile(membership.Profile{
		Origin: h.fed.Origin, Shop: shopOf(shop), Sequence: sequence, At: h.clock.Now(), Name: "Acorn Shoes", Sells: sells, Currency: "EUR",
	}, shop))(h.t)
}

func TestProfiles(t *testing.T) {
	h := newHub(t)
	shop := h.key()
	h.append(h.join(shop))
	for _, c := range []struct {
		sequence uint64
		sells    string
		newer    bool
		kept     string
	}{
		{5, "shoes", true, "shoes"}, {4, "boots", false, "shoes"}, {5, "hats", false, "shoes"}, {5, "shoes", false, "shoes"}, {6, "hats", true, "hats"},
	} {
		_, newer, err := h.list.PutProfile(h.profile(shop, c.sequence, c.sells))
		if err != nil || newer != c.newer {
			t.Fatalf("%d %s: %v, %v", c.sequence, c.sells, newer, err)
		}
		if p, _, ok := h.list.Profile(shopOf(shop)); !ok || p.Sells != c.kept {
			t.Fatalf("%d %s: %+v", c.sequence, c.sells, p)
		}
	}
	_, _, err := h.list.PutProfile(h.profile(h.key(), 1, "nothing"))
	wantCode(t, err, exchange.CodeNotMember)

	again := h.open(h.store.Clone())
	p, signed, ok := again.Profile(shopOf(shop))
	if !ok || p.Sells != "hats" || !bytes.Equal(signed, h.profile(shop, 6, "hats")) {
		t.Fatalf("%+v", p)
	}

	// A damaged profile is dropped and can come again.
	s := h.store.Clone()
	key := append([]byte("members/profile/"), shop.Public().(ed25519.PublicKey)...)
	if err := s.Commit([]kv.Write{{Key: key, Value: signed[:len(signed)-1]}}); err != nil {
		t.Fatal(err)
	}
	again = h.open(s)
	if _, _, ok := again.Profile(shopOf(shop)); ok {
		t.Fatal("a damaged profile was kept")
	}
	if _, newer, err := again.PutProfile(signed); err != nil || !newer {
		t.Fatal(err)
	}

	// Who was revoked publishes no more; what it said before stays readable.
	h.append(must(membership.NewRevoke(h.fed.Origin, h.admission, shopOf(shop), "late"))(t))
	_, _, err = h.list.PutProfile(h.profile(shop, 7, "lies"))
	wantCode(t, err, exchange.CodeNotMember)
	if _, _, ok := h.list.Profile(shopOf(shop)); !ok {
		t.Fatal("the profile of a former member is gone")
	}
}

func TestProfileCommitFaults(t *testing.T) {
	h := newHub(t)
	shop := h.key()
	h.append(h.join(shop))
	signed := h.profile(shop, 1, "shoes")
	h.store.FailNext(store.FaultRefuse)
	if _, newer, err := h.list.PutProfile(signed); err == nil || newer {
		t.Fatal("a refused commit passed")
	}
	h.store.FailNext(store.FaultBefore)
	_, _, err := h.list.PutProfile(signed)
	wantCode(t, err, exchange.CodeInternal)
	h.clock.advance(time.Minute)
	_, err = h.list.Append(h.logKey)
	wantCode(t, err, exchange.CodeInternal)
}
