package membership

import (
	"crypto/ed25519"
	"encoding/base32"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// Bounds of a token.
const (
	MaxUses       = 10_000
	signedToken   = 2 + len(tagToken) + 2 + maxOrigin + 16 + 32 + 4 + 8 + 2 + maxNameBytes
	maxTokenBytes = signedToken + ed25519.SignatureSize
)

// InviteID names an invite: 128 random bits.
type InviteID [16]byte

var inviteText = base32.HexEncoding.WithPadding(base32.NoPadding)

// ParseInviteID reads the text form, 26 characters 0–9 a–v in either case.
func ParseInviteID(s string) (InviteID, error) {
	var id InviteID
	b, err := inviteText.DecodeString(strings.ToUpper(s))
	if err == nil && len(b) == len(id) {
		copy(id[:], b)
		if id.String() == strings.ToLower(s) {
			return id, nil
		}
	}
	return InviteID{}, exchange.Errorf(exchange.CodeInvalid, "%.40q is not an invite's id", s)
}

func (id InviteID) String() string { return strings.ToLower(inviteText.EncodeToString(id[:])) }

// MarshalText implements encoding.TextMarshaler.
func (id InviteID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *InviteID) UnmarshalText(b []byte) error {
	parsed, err := ParseInviteID(string(b))
	if err == nil {
		*id = parsed
	}
	return err
}

// Signature is an Ed25519 signature.
type Signature [ed25519.SignatureSize]byte

func sign(key ed25519.PrivateKey, message []byte) Signature {
	return Signature(ed25519.Sign(key, message))
}

func (s Signature) verifies(key ed25519.PublicKey, message []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, s[:])
}

// Token is the public half of an invite. The admission key signs it; the
// join entries that use the invite publish it.
type Token struct {
	Origin    string
	ID        InviteID
	Key       [ed25519.PublicKeySize]byte // the invite's public key
	Uses      uint32                      // how many shops may join with it, 1 to MaxUses
	Expires   exchange.Time               // the last time to join
	ShopName  string                      // the name the shop will have; empty = its own choice
	Signature Signature
}

// Check reports a field out of bounds. Verify checks the signature.
func (t Token) Check() error {
	if t.Origin == "" || len(t.Origin) > maxOrigin {
		return exchange.Errorf(exchange.CodeInvalid, "an invite names its federation in 1 to %d bytes", maxOrigin)
	}
	if t.Uses < 1 || t.Uses > MaxUses {
		return exchange.Errorf(exchange.CodeInvalid, "an invite is for 1 to %d shops, not %d", MaxUses, t.Uses)
	}
	if t.ShopName != "" {
		if err := CheckName(t.ShopName); err != nil {
			return err
		}
	}
	return checkTime(t.Expires)
}

func (t Token) signed() []byte {
	e := encoder{b: make([]byte, 0, maxTokenBytes)}
	e.str(tagToken)
	e.str(t.Origin)
	e.raw(t.ID[:])
	e.raw(t.Key[:])
	e.u32(t.Uses)
	e.time(t.Expires)
	e.str(t.ShopName)
	return e.b
}

// encode returns the token's only encoding. The token must pass Check.
func (t Token) encode() []byte { return append(t.signed(), t.Signature[:]...) }

func decodeToken(b []byte) (Token, error) {
	d := decoder{what: "the invite's token", b: b}
	var t Token
	d.tag(tagToken)
	t.Origin = d.str(maxOrigin)
	d.fill(t.ID[:])
	d.fill(t.Key[:])
	t.Uses = d.u32()
	t.Expires = d.time()
	t.ShopName = d.str(maxNameBytes)
	d.fill(t.Signature[:])
	if err := d.done(); err != nil {
		return Token{}, err
	}
	if err := t.Check(); err != nil {
		return Token{}, err
	}
	return t, nil
}

// Verify reports a token of another federation, or a token that the admission key did not
// sign, as CodeInvite.
func (t Token) Verify(f Federation) error {
	if t.Origin != f.Origin {
		return exchange.Errorf(exchange.CodeInvite, "the invite is for the federation %q, not for %q", t.Origin, f.Origin)
	}
	if !t.Signature.verifies(f.Admission, t.signed()) {
		return exchange.Errorf(exchange.CodeInvite, "the invite is forged: the admission key of %q did not sign it; ask the hub's operator for another", f.Origin)
	}
	return nil
}
