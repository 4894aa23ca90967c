package membership

import (
	"crypto/sha256"

	"github.com/souk-market/souk/exchange"
)

// Bounds of statements and entries, in bytes. A join is the longest statement: tag, origin and
// kind, then the token, the ShopID, a name, the recovery hash and two signatures.
const (
	maxStatement = 2 + len(tagMember) + 2 + maxOrigin + 1 + 2 + maxTokenBytes + 32 + 2 + maxNameBytes + sha256.Size + 2*64
	MaxEntry     = 2 + len(tagEntry) + 8 + 2 + maxStatement
)

// signedPart is what a statement's signatures cover.
func signedPart(s Statement) []byte {
	e := encoder{b: make([]byte, 0, maxStatement)}
	e.str(tagMember)
	e.str(s.origin())
	e.u8(uint8(s.Kind()))
	s.body(&e)
	return e.b
}

// EncodeStatement returns a statement's only encoding. A field out of bounds is CodeInvalid.
func EncodeStatement(s Statement) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	e := encoder{b: signedPart(s)}
	s.signatures(&e)
	return e.b, nil
}

func (j Join) body(e *encoder) {
	e.bytes(j.Token.encode())
	e.raw(j.Shop[:])
	e.str(j.Name)
	e.raw(j.Recovery[:])
}

func (j Join) signatures(e *encoder) {
	e.raw(j.ByInvite[:])
	e.raw(j.ByShop[:])
}

func (l Leave) body(e *encoder) {
	e.raw(l.Shop[:])
	e.u64(l.Joined)
}

func (l Leave) signatures(e *encoder) { e.raw(l.ByShop[:]) }

func (v Void) body(e *encoder) {
	e.raw(v.Invite[:])
	e.str(v.Why)
}

func (v Void) signatures(e *encoder) { e.raw(v.ByAdmission[:]) }

func (r Revoke) body(e *encoder) {
	e.raw(r.Shop[:])
	e.str(r.Why)
}

func (r Revoke) signatures(e *encoder) { e.raw(r.ByAdmission[:]) }

// DecodeStatement reads untrusted bytes and verifies no signature. A statement of a kind that
// this version does not know is CodeVersion.
func DecodeStatement(b []byte) (Statement, error) {
	d := decoder{what: "a member list statement", b: b}
	d.tag(tagMember)
	origin := d.str(maxOrigin)
	kind := Kind(d.u8())
	if d.err != nil {
		return nil, d.err
	}
	var s Statement
	switch kind {
	case KindJoin:
		j, err := decodeJoin(&d, origin)
		if err != nil {
			return nil, err
		}
		s = j
	case KindLeave:
		l := Leave{Origin: origin}
		d.fill(l.Shop[:])
		l.Joined = d.u64()
		d.fill(l.ByShop[:])
		s = l
	case KindVoid:
		v := Void{Origin: origin}
		d.fill(v.Invite[:])
		v.Why = d.str(MaxWhy)
		d.fill(v.ByAdmission[:])
		s = v
	case KindRevoke:
		r := Revoke{Origin: origin}
		d.fill(r.Shop[:])
		r.Why = d.str(MaxWhy)
		d.fill(r.ByAdmission[:])
		s = r
	default:
		return nil, exchange.Errorf(exchange.CodeVersion, "the member list holds an entry of kind %d, which this version does not know; upgrade souk", kind)
	}
	if err := d.done(); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func decodeJoin(d *decoder, origin string) (Join, error) {
	var j Join
	token := d.bytes(maxTokenBytes)
	d.fill(j.Shop[:])
	j.Name = d.str(maxNameBytes)
	d.fill(j.Recovery[:])
	d.fill(j.ByInvite[:])
	d.fill(j.ByShop[:])
	if d.err != nil {
		return Join{}, d.err
	}
	var err error
	if j.Token, err = decodeToken(token); err != nil {
		return Join{}, err
	}
	if j.Token.Origin != origin {
		return Join{}, exchange.Errorf(exchange.CodeInvite, "the join is for the federation %q, its invite for %q", origin, j.Token.Origin)
	}
	return j, nil
}

// Entry is a leaf of the log: a statement and the hub's time when it appended it.
type Entry struct {
	At        exchange.Time
	Statement Statement
}

// Encode returns the entry's only encoding, of at most MaxEntry bytes. A field out of bounds is
// CodeInvalid.
func (en Entry) Encode() ([]byte, error) {
	if err := checkTime(en.At); err != nil {
		return nil, err
	}
	s, err := EncodeStatement(en.Statement)
	if err != nil {
		return nil, err
	}
	e := encoder{b: make([]byte, 0, MaxEntry)}
	e.str(tagEntry)
	e.time(en.At)
	e.bytes(s)
	return e.b, nil
}

// DecodeEntry reads untrusted bytes and verifies no signature.
func DecodeEntry(b []byte) (Entry, error) {
	d := decoder{what: "a member list entry", b: b}
	d.tag(tagEntry)
	at := d.time()
	s := d.bytes(maxStatement)
	if err := d.done(); err != nil {
		return Entry{}, err
	}
	statement, err := DecodeStatement(s)
	if err != nil {
		return Entry{}, err
	}
	return Entry{At: at, Statement: statement}, nil
}
