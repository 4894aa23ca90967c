package membership

import (
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/souk-market/souk/exchange"
)

// Kind numbers the statements. The numbers are in the log for good: add to them, change none.
type Kind uint8

const (
	KindJoin   Kind = 1
	KindLeave  Kind = 2
	KindVoid   Kind = 3
	KindRevoke Kind = 4
	// Reserved: a verifier that meets such a statement answers CodeVersion.
	KindRotate   Kind = 5
	KindRecover  Kind = 6
	KindFederate Kind = 7
)

// Statement is what a shop or the admission key signs: a Join, Leave, Void or Revoke.
type Statement interface {
	// Kind numbers the statement in the log.
	Kind() Kind
	// Verify checks the statement's signatures, and that the statement is for f. Whether the
	// statement is legal now depends on the list (see State).
	Verify(f Federation) error

	origin() string
	check() error
	body(e *encoder)       // all before the signatures
	signatures(e *encoder) // the signatures alone
}

// Join lets a shop in.
type Join struct {
	Token    Token
	Shop     exchange.ShopID
	Name     string
	Recovery [sha256.Size]byte // SHA-256 of the shop's offline recovery public key
	ByInvite Signature
	ByShop   Signature
}

// Leave takes a shop out at its own wish.
type Leave struct {
	Origin string
	Shop   exchange.ShopID
	Joined uint64 // index of the join entry that this ends
	ByShop Signature
}

// Void ends an invite. Shops that joined by it stay.
type Void struct {
	Origin      string
	Invite      InviteID
	Why         string
	ByAdmission Signature
}

// Revoke takes a shop out for good.
type Revoke struct {
	Origin      string
	Shop        exchange.ShopID
	Why         string
	ByAdmission Signature
}

// NewJoin makes the statement with which the shop of this key joins. Where the invite fixes a
// name, name is ignored. recovery is the SHA-256 of the recovery public key.
func NewJoin(i Invite, shop ed25519.PrivateKey, name string, recovery [sha256.Size]byte) (Join, error) {
	id, err := exchange.ShopIDFromKey(shop.Public().(ed25519.PublicKey))
	if err != nil {
		return Join{}, err
	}
	if i.Token.ShopName != "" {
		name = i.Token.ShopName
	}
	j := Join{Token: i.Token, Shop: id, Name: name, Recovery: recovery}
	if err := j.check(); err != nil {
		return Join{}, err
	}
	message := signedPart(j)
	j.ByInvite, j.ByShop = sign(i.Key, message), sign(shop, message)
	return j, nil
}

// NewLeave makes the statement with which a member leaves. joined is the index of the member's
// join entry (Member.Index).
func NewLeave(origin string, shop ed25519.PrivateKey, joined uint64) (Leave, error) {
	id, err := exchange.ShopIDFromKey(shop.Public().(ed25519.PublicKey))
	if err != nil {
		return Leave{}, err
	}
	l := Leave{Origin: origin, Shop: id, Joined: joined}
	l.ByShop = sign(shop, signedPart(l))
	return l, l.check()
}

// NewVoid makes the statement that ends an invite.
func NewVoid(origin string, admission ed25519.PrivateKey, invite InviteID, why string) (Void, error) {
	v := Void{Origin: origin, Invite: invite, Why: why}
	if err := v.check(); err != nil {
		return Void{}, err
	}
	v.ByAdmission = sign(admission, signedPart(v))
	return v, nil
}

// NewRevoke makes the statement that takes a shop out for good.
func NewRevoke(origin string, admission ed25519.PrivateKey, shop exchange.ShopID, why string) (Revoke, error) {
	r := Revoke{Origin: origin, Shop: shop, Why: why}
	if err := r.check(); err != nil {
		return Revoke{}, err
	}
	r.ByAdmission = sign(admission, signedPart(r))
	return r, nil
}

// Kind implements Statement.
func (j Join) Kind() Kind { return KindJoin }

// Kind implements Statement.
func (l Leave) Kind() Kind { return KindLeave }

// Kind implements Statement.
func (v Void) Kind() Kind { return KindVoid }

// Kind implements Statement.
func (r Revoke) Kind() Kind { return KindRevoke }

// Verify implements Statement. A foreign or forged invite is CodeInvite.
func (j Join) Verify(f Federation) error {
	if err := j.Token.Verify(f); err != nil {
		return err
	}
	return j.verifySigners()
}

// verifySigners checks the signatures other than the token's own.
func (j Join) verifySigners() error {
	message := signedPart(j)
	if !j.ByInvite.verifies(j.Token.Key[:], message) {
		return exchange.Errorf(exchange.CodeInvite, "the invite is not this shop's: its key did not sign for %s", j.Shop)
	}
	if !j.ByShop.verifies(j.Shop.Key(), message) {
		return exchange.Errorf(exchange.CodeSignature, "the join is not signed by the shop %s", j.Shop)
	}
	return nil
}

// Verify implements Statement.
func (l Leave) Verify(f Federation) error {
	return verifyOne(f, l, l.ByShop, l.Shop.Key(), "the leave", "the shop")
}

// Verify implements Statement.
func (v Void) Verify(f Federation) error {
	return verifyOne(f, v, v.ByAdmission, f.Admission, "the void of an invite", "the admission key")
}

// Verify implements Statement.
func (r Revoke) Verify(f Federation) error {
	return verifyOne(f, r, r.ByAdmission, f.Admission, "the revocation", "the admission key")
}

func verifyOne(f Federation, s Statement, sig Signature, key ed25519.PublicKey, what, who string) error {
	if s.origin() != f.Origin {
		return exchange.Errorf(exchange.CodeInvalid, "%s is for the federation %q, not for %q", what, s.origin(), f.Origin)
	}
	if !sig.verifies(key, signedPart(s)) {
		return exchange.Errorf(exchange.CodeSignature, "%s is not signed by %s", what, who)
	}
	return nil
}

func (j Join) origin() string   { return j.Token.Origin }
func (l Leave) origin() string  { return l.Origin }
func (v Void) origin() string   { return v.Origin }
func (r Revoke) origin() string { return r.Origin }

func (j Join) check() error {
	if err := j.Token.Check(); err != nil {
		return err
	}
	if j.Token.ShopName != "" && j.Name != j.Token.ShopName {
		return exchange.Errorf(exchange.CodeInvite, "the invite is for the shop name %q, not %q", j.Token.ShopName, j.Name)
	}
	return CheckName(j.Name)
}

func (l Leave) check() error { return checkOrigin(l.Origin) }

func (v Void) check() error {
	if err := checkOrigin(v.Origin); err != nil {
		return err
	}
	return checkText("the reason", v.Why, MaxWhy)
}

func (r Revoke) check() error {
	if err := checkOrigin(r.Origin); err != nil {
		return err
	}
	return checkText("the reason", r.Why, MaxWhy)
}

func checkOrigin(origin string) error {
	if origin == "" || len(origin) > maxOrigin {
		return exchange.Errorf(exchange.CodeInvalid, "an origin has 1 to %d bytes", maxOrigin)
	}
	return nil
}
