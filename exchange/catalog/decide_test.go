package catalog_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

func TestDecide(t *testing.T) {
	here := catalog.Digest{1}
	other := catalog.Digest{2}
	at := catalog.Position{Epoch: 5, Sequence: 10}
	proven := catalog.Replica{At: at, Proven: true, Digest: here}
	open := catalog.Replica{At: at}
	head := func(epoch, seq uint64) catalog.Position { return catalog.Position{Epoch: epoch, Sequence: seq} }
	for _, c := range []struct {
		name string
		r    catalog.Replica
		o    catalog.Offer
		want catalog.Action
	}{
		{"nothing yet", catalog.Replica{}, catalog.Offer{Head: head(5, 3)}, catalog.PullFull},
		{"newer epoch", proven, catalog.Offer{Head: head(6, 1)}, catalog.PullFull},
		{"newer epoch with changes", proven, catalog.Offer{Head: head(6, 11), Changes: true, After: 10}, catalog.PullFull},
		{"older epoch", proven, catalog.Offer{Head: head(4, 99)}, catalog.Ignore},
		{"older sequence", proven, catalog.Offer{Head: head(5, 9)}, catalog.Ignore},
		{"same", proven, catalog.Offer{Head: at, Digest: here}, catalog.Ignore},
		{"same position, other set", proven, catalog.Offer{Head: at, Digest: other}, catalog.Conflict},
		{"same position, unproven", open, catalog.Offer{Head: at, Digest: other}, catalog.PullAfter},
		{"changes continue", proven, catalog.Offer{Head: head(5, 12), Changes: true, After: 10}, catalog.Apply},
		{"changes overlap", proven, catalog.Offer{Head: head(5, 12), Changes: true, After: 7}, catalog.Apply},
		{"gap", proven, catalog.Offer{Head: head(5, 14), Changes: true, After: 12}, catalog.PullAfter},
		{"head alone", proven, catalog.Offer{Head: head(5, 12)}, catalog.PullAfter},
		{"changes onto an unproven set", open, catalog.Offer{Head: head(5, 12), Changes: true, After: 10}, catalog.PullAfter},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := catalog.Decide(c.r, c.o); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// A replica that follows Decide never goes back.
func TestDecideNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Uint64Range(0, 4)
		r := catalog.Replica{At: catalog.Position{Epoch: small.Draw(t, "epoch"), Sequence: small.Draw(t, "sequence")}, Proven: rapid.Bool().Draw(t, "proven")}
		o := catalog.Offer{
			Head:    catalog.Position{Epoch: small.Draw(t, "head epoch"), Sequence: small.Draw(t, "head sequence")},
			Changes: rapid.Bool().Draw(t, "changes"), After: small.Draw(t, "after"),
		}
		switch a := catalog.Decide(r, o); {
		case o.Head.Compare(r.At) < 0 && a != catalog.Ignore && r.At != catalog.Position{}:
			t.Fatalf("%v for an older head", a)
		case a == catalog.Apply && (o.Head.Epoch != r.At.Epoch || o.After > r.At.Sequence || o.Head.Sequence <= r.At.Sequence):
			t.Fatalf("applies %+v to %+v", o, r)
		}
	})
}

func TestNextEpoch(t *testing.T) {
	for _, c := range []struct {
		now     exchange.Time
		highest uint64
		want    uint64
	}{{1000, 0, 1000}, {1000, 999, 1000}, {1000, 1000, 1001}, {1000, 5000, 5001}, {0, 0, 1}, {-5, 0, 1}} {
		t.Run(fmt.Sprintf("%d after %d", c.now, c.highest), func(t *testing.T) {
			if got, err := catalog.NextEpoch(c.now, c.highest); err != nil || got != c.want {
				t.Errorf("NextEpoch(%d, %d) = %d, %v; want %d", c.now, c.highest, got, err, c.want)
			}
		})
	}
	if _, err := catalog.NextEpoch(1000, math.MaxUint64); exchange.CodeOf(err) != exchange.CodeOverflow {
		t.Errorf("the last epoch has a successor: %v", err)
	}
}

func TestNeedsFull(t *testing.T) {
	now := catalog.Position{Epoch: 5, Sequence: 100}
	for _, c := range []struct {
		at   catalog.Position
		want bool
	}{
		{catalog.Position{}, true},
		{catalog.Position{Epoch: 4, Sequence: 90}, true},
		{catalog.Position{Epoch: 5, Sequence: 101}, true},
		{catalog.Position{Epoch: 5, Sequence: 39}, true},
		{catalog.Position{Epoch: 5, Sequence: 40}, false}, // the floor itself is what it knows of
		{now, false},
	} {
		t.Run(fmt.Sprintf("epoch %d, sequence %d", c.at.Epoch, c.at.Sequence), func(t *testing.T) {
			if got := catalog.NeedsFull(c.at, now, 40); got != c.want {
				t.Errorf("NeedsFull(%v) = %v", c.at, got)
			}
		})
	}
}

func TestRateMoves(t *testing.T) {
	cents := func(n int64) exchange.USDPrice { return exchange.USDPrice{Cents: n, Rate: "1.1"} }
	for name, c := range map[string]struct {
		old, next exchange.USDPrice
		want      bool
	}{
		"none to none":      {exchange.USDPrice{}, exchange.USDPrice{}, false},
		"a price to none":   {cents(100), exchange.USDPrice{}, false},
		"none to a price":   {exchange.USDPrice{}, cents(100), true},
		"none to 0 cents":   {exchange.USDPrice{}, cents(0), true},
		"a price to itself": {cents(100), cents(100), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := catalog.RateMoves(c.old, c.next); got != c.want {
				t.Errorf("RateMoves(%+v, %+v) = %v", c.old, c.next, got)
			}
		})
	}
	for _, c := range []struct {
		old, next int64
		want      bool
	}{
		{10_000, 10_099, false}, {10_000, 10_100, true}, {10_000, 9_901, false}, {10_000, 9_900, true},
		{0, 0, false}, {0, 1, true}, {1, 1, false}, {1, 2, true}, {150, 151, false}, {150, 152, true},
		{math.MaxInt64, 0, true}, {0, math.MaxInt64, true},
	} {
		t.Run(fmt.Sprintf("%d to %d", c.old, c.next), func(t *testing.T) {
			if got := catalog.RateMoves(cents(c.old), cents(c.next)); got != c.want {
				t.Errorf("RateMoves(%d, %d) = %v", c.old, c.next, got)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		old, next := rapid.Int64Min(1).Draw(t, "old"), rapid.Int64Min(0).Draw(t, "next")
		diff := new(big.Int).Sub(big.NewInt(next), big.NewInt(old))
		want := diff.Abs(diff).Mul(diff, big.NewInt(100)).Cmp(big.NewInt(old)) >= 0
		if got := catalog.RateMoves(cents(old), cents(next)); got != want {
			t.Fatalf("RateMoves(%d, %d) = %v", old, next, got)
		}
	})
}
