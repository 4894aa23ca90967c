package membership

import (
	"crypto/ed25519"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// Bounds of a profile, in bytes.
const (
	MaxSells   = 500
	MaxContact = 200
	MaxReturns = 1000
	MaxWeb     = 253 // a DNS name (RFC 1035)

	// MaxProfileBytes holds all fields at their longest, and the frame.
	MaxProfileBytes = 4096
)

// Profile is what a shop says about itself. Only the signature is verified: nobody vouches for
// the content.
type Profile struct {
	Origin    string
	Shop      exchange.ShopID
	Sequence  uint64 // the greatest wins; a shop takes max(unix milliseconds, its last + 1)
	At        exchange.Time
	Name      string
	Sells     string // "Shoes and leather care"
	Contact   string // an e-mail address or telephone number
	Returns   string // its return policy
	Web       string // a domain name, "acorn.example"; no scheme or path
	Currency  exchange.Currency
	Countries []string // that the shop ships to, ISO 3166-1 alpha-2, sorted; empty = everywhere
}

// Check reports a field out of bounds.
func (p Profile) Check() error {
	if err := checkOrigin(p.Origin); err != nil {
		return err
	}
	if err := checkTime(p.At); err != nil {
		return err
	}
	if err := CheckName(p.Name); err != nil {
		return err
	}
	if err := checkText("what the shop sells", p.Sells, MaxSells); err != nil {
		return err
	}
	if err := checkText("the contact", p.Contact, MaxContact); err != nil {
		return err
	}
	if err := checkText("the return policy", p.Returns, MaxReturns); err != nil {
		return err
	}
	if err := checkDomain(p.Web); err != nil {
		return err
	}
	if err := p.Currency.Check(); err != nil {
		return err
	}
	return exchange.CheckCountries(p.Countries)
}

// checkDomain allows nothing, or a lower-case DNS name of two labels or more.
func checkDomain(s string) error {
	if s == "" {
		return nil
	}
	bad := len(s) > MaxWeb || !strings.Contains(s, ".")
	for _, label := range strings.Split(s, ".") {
		bad = bad || label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-'
		for _, c := range []byte(label) {
			bad = bad || (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
		}
	}
	if bad {
		return exchange.Errorf(exchange.CodeInvalid, "%.60q is not a domain name such as acorn.example, in lower case and without https://", s)
	}
	return nil
}

func (p Profile) signed() []byte {
	e := encoder{b: make([]byte, 0, 512)}
	e.str(tagProfile)
	e.str(p.Origin)
	e.raw(p.Shop[:])
	e.u64(p.Sequence)
	e.time(p.At)
	for _, s := range []string{p.Name, p.Sells, p.Contact, p.Returns, p.Web, string(p.Currency)} {
		e.str(s)
	}
	e.u16(uint16(len(p.Countries)))
	for _, c := range p.Countries {
		e.raw([]byte(c))
	}
	return e.b
}

// SignProfile encodes p and signs it with its shop's key.
func SignProfile(p Profile, key ed25519.PrivateKey) ([]byte, error) {
	if !p.Shop.Key().Equal(key.Public()) {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a profile is signed by its own shop")
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	b := p.signed()
	return append(b, ed25519.Sign(key, b)...), nil
}

// OpenProfile reads untrusted bytes and verifies the shop's signature. current returns the key
// that a shop signs with now (Member.Key), and whether the shop is a member. The profile of a
// shop that is no member is CodeNotMember; its signature is not verified.
func OpenProfile(f Federation, b []byte, current func(exchange.ShopID) (ed25519.PublicKey, bool)) (Profile, error) {
	p, sig, err := decodeProfile(b)
	if err != nil {
		return Profile{}, err
	}
	if p.Origin != f.Origin {
		return Profile{}, exchange.Errorf(exchange.CodeInvalid, "the profile is of the federation %q, not %q", p.Origin, f.Origin)
	}
	key, ok := current(p.Shop)
	if !ok {
		return Profile{}, exchange.Errorf(exchange.CodeNotMember, "the profile is of %s, who is not a member", p.Shop)
	}
	if !sig.verifies(key, b[:len(b)-len(sig)]) {
		return Profile{}, exchange.Errorf(exchange.CodeSignature, "the profile of %s is not signed by it", p.Shop)
	}
	return p, nil
}

func decodeProfile(b []byte) (Profile, Signature, error) {
	var p Profile
	var sig Signature
	if len(b) > MaxProfileBytes {
		return p, sig, exchange.Errorf(exchange.CodeInvalid, "a profile of %d bytes is over %d", len(b), MaxProfileBytes)
	}
	d := decoder{what: "a profile", b: b}
	d.tag(tagProfile)
	p.Origin = d.str(maxOrigin)
	d.fill(p.Shop[:])
	p.Sequence = d.u64()
	p.At = d.time()
	p.Name = d.str(maxNameBytes)
	p.Sells = d.str(MaxSells)
	p.Contact = d.str(MaxContact)
	p.Returns = d.str(MaxReturns)
	p.Web = d.str(MaxWeb)
	p.Currency = exchange.Currency(d.str(3))
	n := int(d.u16())
	if n > exchange.MaxCountries {
		d.fail("it names %d countries", n)
	}
	for i := 0; i < n && d.err == nil; i++ {
		p.Countries = append(p.Countries, string(d.take(2)))
	}
	d.fill(sig[:])
	if err := d.done(); err != nil {
		return Profile{}, sig, err
	}
	if err := p.Check(); err != nil {
		return Profile{}, sig, err
	}
	return p, sig, nil
}
