package membership

import (
	"bytes"
	"crypto/ed25519"
	"reflect"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

func sampleProfile(w *world, shop ed25519.PrivateKey) Profile {
	return Profile{
		Origin: w.fed.Origin, Shop: shopOf(shop), Sequence: uint64(start), At: start, Name: "Acorn Shoes",
		Sells: "Shoes and leather care", Contact: "hello@acorn.example", Returns: "30 days, unworn", Web: "acorn.example",
		Currency: "EUR", Countries: []string{"DE", "SE"},
	}
}

// keyOf is a member list of one.
func keyOf(shop exchange.ShopID) func(exchange.ShopID) (ed25519.PublicKey, bool) {
	return func(s exchange.ShopID) (ed25519.PublicKey, bool) { return s.Key(), s == shop }
}

func TestProfile(t *testing.T) {
	w := newWorld(t)
	shop := w.key()
	p := sampleProfile(w, shop)
	b := must(SignProfile(p, shop))(t)
	got := must(OpenProfile(w.fed, b, keyOf(p.Shop)))(t)
	if !reflect.DeepEqual(got, p) {
		t.Fatalf("%+v", got)
	}
	_, err := OpenProfile(w.fed, b, keyOf(shopOf(w.key())))
	wantCode(t, err, exchange.CodeNotMember)
	_, err = SignProfile(p, w.key())
	wantCode(t, err, exchange.CodeInvalid)
	_, err = OpenProfile(w.fed, append(bytes.Clone(b), 0), keyOf(p.Shop))
	wantCode(t, err, exchange.CodeInvalid)
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		if _, err := OpenProfile(w.fed, c, keyOf(p.Shop)); err == nil {
			t.Fatalf("byte %d may be changed", i)
		}
	}
	other := p
	other.Origin = "souk/other-00000000"
	_, err = OpenProfile(w.fed, must(SignProfile(other, shop))(t), keyOf(p.Shop))
	wantCode(t, err, exchange.CodeInvalid)
}

func TestProfileBounds(t *testing.T) {
	w := newWorld(t)
	shop := w.key()
	full := sampleProfile(w, shop)
	full.Origin = "souk/" + strings.Repeat("f", MaxFederation) + "-00000000"
	full.Name = strings.Repeat("🌰", MaxName)
	full.Sells, full.Contact, full.Returns = strings.Repeat("s", MaxSells), strings.Repeat("c", MaxContact), strings.Repeat("r", MaxReturns)
	full.Web = strings.TrimSuffix(strings.Repeat(strings.Repeat("a", 62)+".", 4), ".")
	full.Countries = nil
	for a := byte('A'); a <= 'Z' && len(full.Countries) < exchange.MaxCountries; a++ {
		for b := byte('A'); b <= 'Z' && len(full.Countries) < exchange.MaxCountries; b++ {
			full.Countries = append(full.Countries, string([]byte{a, b}))
		}
	}
	if b := must(SignProfile(full, shop))(t); len(b) > MaxProfileBytes {
		t.Errorf("the longest profile has %d bytes", len(b))
	}
	for name, change := range map[string]func(*Profile){
		"no name":       func(p *Profile) { p.Name = "" },
		"bidi":          func(p *Profile) { p.Sells = "shoes\u202e" },
		"long returns":  func(p *Profile) { p.Returns += "r" },
		"a URL":         func(p *Profile) { p.Web = "https://acorn.example" },
		"one label":     func(p *Profile) { p.Web = "localhost" },
		"upper case":    func(p *Profile) { p.Web = "Acorn.example" },
		"empty label":   func(p *Profile) { p.Web = "acorn..example" },
		"currency":      func(p *Profile) { p.Currency = "euro" },
		"unsorted":      func(p *Profile) { p.Countries = []string{"SE", "DE"} },
		"no time":       func(p *Profile) { p.At = 0 },
		"control chars": func(p *Profile) { p.Contact = "a\nb" },
	} {
		t.Run(name, func(t *testing.T) {
			p := full
			change(&p)
			if _, err := SignProfile(p, shop); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}
