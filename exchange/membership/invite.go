package membership

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/souk-market/souk/exchange"
)

// Bounds of an invite's code.
const (
	MaxHubAddrs = 8   // of each host: TCP and QUIC, over IPv4, IPv6, DNS, and two spare
	MaxAddr     = 300 // bytes of a multiaddr's text: a DNS name has up to 253

	invitePrefix  = "souk-invite-1-"
	inviteFamily  = "souk-invite-"
	checksumBytes = 4
	// Two hosts with all their addresses, the keys of federation and invite, the token.
	maxInviteBody = 2*(32+1+MaxHubAddrs*(2+MaxAddr)) + 2 + maxOrigin + 3*32 + 2 + maxTokenBytes
	maxInviteCode = (2+maxInviteBody+checksumBytes)*4/3 + len(invitePrefix) + 4
)

// HubHost is one of the hub's two network hosts.
type HubHost struct {
	Peer  exchange.ShopID `json:"peer"`  // its peer ID; the hub is no shop, but names itself in the same form
	Addrs []string        `json:"addrs"` // multiaddrs without the /p2p part
}

// Hub says where a federation's hub is reached.
type Hub struct {
	Open   HubHost `json:"open"`   // speaks only join, to anybody
	Closed HubHost `json:"closed"` // for members
}

// Check reports a missing peer or addresses that are too many or too long.
func (h Hub) Check() error {
	for _, host := range []HubHost{h.Open, h.Closed} {
		if host.Peer.IsZero() {
			return exchange.Errorf(exchange.CodeInvalid, "the hub's peer ID is missing")
		}
		if len(host.Addrs) == 0 || len(host.Addrs) > MaxHubAddrs {
			return exchange.Errorf(exchange.CodeInvalid, "a hub has 1 to %d addresses of each kind, not %d; set them with --announce", MaxHubAddrs, len(host.Addrs))
		}
		for _, a := range host.Addrs {
			if !strings.HasPrefix(a, "/") || strings.ContainsRune(a, ' ') {
				return exchange.Errorf(exchange.CodeInvalid, "%.60q is not a multiaddr such as /ip4/192.0.2.1/tcp/4001", a)
			}
			if err := checkText("a hub address", a, MaxAddr); err != nil {
				return err
			}
		}
	}
	return nil
}

// Invite lets a shop join. It contains a private key: show an Invite only as Code, and only to
// the shop that is invited.
type Invite struct {
	Federation Federation
	Hub        Hub
	Token      Token
	Key        ed25519.PrivateKey // the invite's own
}

// InviteOptions are what an operator says about a new invite.
type InviteOptions struct {
	Uses     uint32
	Expires  exchange.Time
	ShopName string // empty = the shop's choice
}

// NewInvite makes an invite with a fresh key and id from random (crypto/rand's Reader
// outside tests). admission must be the private half of f's admission key.
func NewInvite(f Federation, hub Hub, admission ed25519.PrivateKey, o InviteOptions, random io.Reader) (Invite, error) {
	if !f.Admission.Equal(admission.Public()) {
		return Invite{}, exchange.Errorf(exchange.CodeInvite, "this is not the admission key of %q", f.Origin)
	}
	var secret [ed25519.SeedSize + 16]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return Invite{}, exchange.Errorf(exchange.CodeInternal, "no random numbers for an invite: %w", err)
	}
	key := ed25519.NewKeyFromSeed(secret[:ed25519.SeedSize])
	t := Token{
		Origin: f.Origin, ID: InviteID(secret[ed25519.SeedSize:]),
		Uses: o.Uses, Expires: o.Expires, ShopName: o.ShopName,
	}
	copy(t.Key[:], key.Public().(ed25519.PublicKey))
	t.Signature = sign(admission, t.signed())
	inv := Invite{Federation: f, Hub: hub, Token: t, Key: key}
	return inv, inv.Check()
}

// Check reports an invite whose parts do not belong together, as CodeInvalid or CodeInvite.
// CheckTime alone looks at the expiry.
func (i Invite) Check() error {
	if err := i.Federation.Check(); err != nil {
		return err
	}
	if err := i.Hub.Check(); err != nil {
		return err
	}
	if err := i.Token.Check(); err != nil {
		return err
	}
	if err := i.Token.Verify(i.Federation); err != nil {
		return err
	}
	if len(i.Key) != ed25519.PrivateKeySize || !i.Key.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(i.Token.Key[:])) {
		return exchange.Errorf(exchange.CodeInvite, "the invite is forged: its private key does not belong to it")
	}
	return nil
}

// CheckTime reports an invite that has expired, as CodeInvite. A shop that the list names by
// this invite may use the invite even then.
func (i Invite) CheckTime(now exchange.Time) error {
	if now > i.Token.Expires {
		return errExpired(i.Token)
	}
	return nil
}

func errExpired(t Token) error {
	return exchange.Errorf(exchange.CodeInvite, "the invite expired at %s; ask the hub's operator for another", t.Expires)
}

// String names the invite without its secret, for logs.
func (i Invite) String() string {
	return fmt.Sprintf("invite %s to %s", i.Token.ID, i.Federation.Origin)
}

// MarshalText returns String, so that neither JSON nor a log shows the secret by accident.
func (i Invite) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Code is the one-line text that is given to the shop's owner, a secret. The invite must pass
// Check.
func (i Invite) Code() string {
	body := encoder{}
	body.str(i.Federation.Origin)
	body.raw(i.Federation.LogKey)
	body.raw(i.Federation.Admission)
	for _, h := range []HubHost{i.Hub.Open, i.Hub.Closed} {
		body.raw(h.Peer[:])
		body.u8(uint8(len(h.Addrs)))
		for _, a := range h.Addrs {
			body.str(a)
		}
	}
	body.raw(i.Key.Seed())
	body.bytes(i.Token.encode())

	e := encoder{}
	e.bytes(body.b)
	sum := sha256.Sum256(e.b)
	e.raw(sum[:checksumBytes])
	return invitePrefix + base64.RawURLEncoding.EncodeToString(e.b)
}

// ParseInvite reads an invite's code and checks it. White space is ignored. A code that
// is cut off, mistyped, forged or of a newer version is refused with CodeInvite
// and a message that says so.
func ParseInvite(code string) (Invite, error) {
	body, err := inviteBody(code)
	if err != nil {
		return Invite{}, err
	}
	d := decoder{what: "the invite", b: body}
	var i Invite
	i.Federation.Origin = d.str(maxOrigin)
	i.Federation.LogKey = slices.Clone(d.take(ed25519.PublicKeySize))
	i.Federation.Admission = slices.Clone(d.take(ed25519.PublicKeySize))
	for _, h := range []*HubHost{&i.Hub.Open, &i.Hub.Closed} {
		d.fill(h.Peer[:])
		n := int(d.u8())
		for range min(n, MaxHubAddrs+1) { // Check refuses MaxHubAddrs+1 addresses
			h.Addrs = append(h.Addrs, d.str(MaxAddr))
		}
	}
	seed := d.take(ed25519.SeedSize)
	token := d.bytes(maxTokenBytes)
	if err = d.done(); err == nil {
		i.Key = ed25519.NewKeyFromSeed(seed)
		i.Token, err = decodeToken(token)
	}
	if err == nil {
		err = i.Check()
	}
	if err != nil {
		return Invite{}, exchange.Errorf(exchange.CodeInvite, "%w", err)
	}
	return i, nil
}

// inviteBody undoes the text form: prefix, base64, length, checksum.
func inviteBody(code string) ([]byte, error) {
	code = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, code)
	text, ok := strings.CutPrefix(code, invitePrefix)
	switch {
	case !ok && strings.HasPrefix(code, inviteFamily) && len(code) > len(inviteFamily)+1:
		return nil, exchange.Errorf(exchange.CodeInvite, "the invite was made by a newer Souk; upgrade this one")
	case !ok:
		return nil, exchange.Errorf(exchange.CodeInvite, "this is not an invite; one starts with %s", invitePrefix)
	case len(code) > maxInviteCode:
		return nil, exchange.Errorf(exchange.CodeInvite, "the invite is too long: %d characters; copy only its one line", len(code))
	}
	if bad := strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}); bad >= 0 {
		return nil, exchange.Errorf(exchange.CodeInvite, "the invite's character %d does not belong there; copy the line again", len(invitePrefix)+bad+1)
	}
	whole := len(text) - len(text)%4
	head, err := base64.RawURLEncoding.DecodeString(text[:whole])
	if err != nil || len(head) < 2 {
		return nil, exchange.Errorf(exchange.CodeInvite, "the invite is cut off after %d characters; copy the whole line", len(code))
	}
	want := base64.RawURLEncoding.EncodedLen(2 + int(head[0])<<8 + int(head[1]) + checksumBytes)
	if len(text) < want {
		return nil, exchange.Errorf(exchange.CodeInvite, "the invite is cut off: it has %d of %d characters; copy the whole line", len(code), len(invitePrefix)+want)
	}
	if len(text) > want {
		return nil, exchange.Errorf(exchange.CodeInvite, "%d characters too many follow the invite; copy only its one line", len(text)-want)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil {
		sum := sha256.Sum256(b[:len(b)-checksumBytes])
		if string(sum[:checksumBytes]) == string(b[len(b)-checksumBytes:]) {
			return b[2 : len(b)-checksumBytes], nil
		}
	}
	return nil, exchange.Errorf(exchange.CodeInvite, "the invite was changed on its way: a character is wrong; copy the line again")
}
