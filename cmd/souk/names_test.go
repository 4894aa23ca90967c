package main

import (
	"crypto/ed25519"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// shopNumber is a ShopID that is the same in every run.
func shopNumber(t *testing.T, n byte) exchange.ShopID {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	id, err := exchange.ShopIDFromKey(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestFindShop(t *testing.T) {
	acorn, birch, old := shopNumber(t, 1), shopNumber(t, 2), shopNumber(t, 3)
	end := func(id exchange.ShopID) string { s := id.String(); return s[len(s)-minShort:] }
	shops := []known{
		{acorn, "Acorn Shoes", true}, {birch, "Birch", true}, {old, "birch", false},
		{shopNumber(t, 4), "Twin", true}, {shopNumber(t, 5), "twin", true},
		{shopNumber(t, 6), end(acorn), true}, // wants to be taken for Acorn
	}
	for ref, want := range map[string]exchange.ShopID{
		acorn.String(): acorn,
		"acorn shoes":  acorn,
		"Acorn-shoes":  acorn,
		"Birch":        birch, // the one that is a member now
		old.String():   old,
		end(birch):     birch,
	} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			got, err := findShop(shops, ref)
			if err != nil || got.shop != want {
				t.Errorf("it is %v, %v; want %v", got.shop, err, want)
			}
		})
	}
	for ref, code := range map[string]int{
		"twin": exitUsage, end(acorn): exitUsage, "nobody": exitFailure, shopNumber(t, 9).String(): exitFailure, end(birch)[1:]: exitFailure, "": exitFailure,
	} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			if got, err := findShop(shops, ref); exitCode(err) != code {
				t.Errorf("it is %v, %v; want an error with exit code %d", got.shop, err, code)
			}
		})
	}
}

func TestPartnerProduct(t *testing.T) {
	acorn, colon := shopNumber(t, 1), shopNumber(t, 2)
	shops := []known{{acorn, "Acorn", true}, {colon, "a:b", true}}
	for ref, want := range map[string]exchange.ProductID{
		"acorn:SHOE-42":               {Shop: acorn, SKU: "SHOE-42"},
		"acorn:x:y=z":                 {Shop: acorn, SKU: "x:y=z"},
		"a:b:SHOE":                    {Shop: colon, SKU: "SHOE"},
		acorn.String() + ":SHOE:42 ü": {Shop: acorn, SKU: "SHOE:42 ü"},
	} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			if got, err := partnerProduct(shops, ref); err != nil || got != want {
				t.Errorf("it is %v, %v; want %v", got, err, want)
			}
		})
	}
	for _, ref := range []string{"SHOE-42", "oak:SHOE-42", "acorn: SHOE", "acorn:", ":SHOE", ""} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			if got, err := partnerProduct(shops, ref); err == nil {
				t.Errorf("it is %v; want an error", got)
			}
		})
	}
}

func TestOwnSKU(t *testing.T) {
	me, other := shopNumber(t, 1), shopNumber(t, 2)
	for ref, want := range map[string]exchange.SKU{"A:1": "A:1", me.String() + ":A:1": "A:1"} {
		if got, err := ownSKU(me, ref); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", ref, got, err, want)
		}
	}
	for _, ref := range []string{"", " a", other.String() + ":A"} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			if got, err := ownSKU(me, ref); exitCode(err) != exitUsage {
				t.Errorf("it is %q, %v; want a usage error", got, err)
			}
		})
	}
}

func TestSplitQuantity(t *testing.T) {
	for arg, want := range map[string]struct {
		product string
		q       exchange.Quantity
	}{
		"acorn:SHOE=2": {"acorn:SHOE", 2}, "acorn:SHOE": {"acorn:SHOE", 1}, "a:1+1=2=3": {"a:1+1=2", 3}, "x=1000000": {"x", 1_000_000},
	} {
		t.Run(strconv.Quote(arg), func(t *testing.T) {
			product, q, err := splitQuantity(arg)
			if err != nil || product != want.product || q != want.q {
				t.Errorf("it is %q × %d, %v; want %v", product, q, err, want)
			}
		})
	}
	for _, arg := range []string{"x=0", "x=-1", "x=1000001", "x=", "x=two", "=2", "x=1.5", "x=9223372036854775808"} {
		t.Run(strconv.Quote(arg), func(t *testing.T) {
			if product, q, err := splitQuantity(arg); exitCode(err) != exitUsage {
				t.Errorf("it is %q × %d, %v; want a usage error", product, q, err)
			}
		})
	}
}

func TestMatchID(t *testing.T) {
	a := exchange.NewHoldID(7, [12]byte{1})
	b := exchange.NewHoldID(7, [12]byte{2})
	ids := []exchange.OrderID{a, b, a}
	end := func(id exchange.OrderID, n int) string { s := id.String(); return s[len(s)-n:] }
	unseen := exchange.NewHoldID(8, [12]byte{3}).String()
	for ref, want := range map[string]string{
		a.String(): a.String(), strings.ToUpper(b.String()): b.String(), unseen: unseen, end(a, 22): a.String(), strings.ToUpper(end(b, 22)): b.String(),
	} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			if got, err := matchID(ids, ref); err != nil || got != want {
				t.Errorf("it is %q, %v; want %q", got, err, want)
			}
		})
	}
	for ref, code := range map[string]int{
		end(a, minShort): exitUsage, // both end so
		"abc":            exitUsage, "": exitUsage, "vvvvvvvv": exitFailure,
	} {
		t.Run(strconv.Quote(ref), func(t *testing.T) {
			if got, err := matchID(ids, ref); exitCode(err) != code {
				t.Errorf("it is %q, %v; want exit code %d", got, err, code)
			}
		})
	}
}
