package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// Defaults of an invite.
const (
	DefaultUses    = 1
	DefaultExpires = 72 * time.Hour
)

// InviteOptions are what an operator says about a new invite. The zero value is one shop,
// any name, 72 hours.
type InviteOptions struct {
	Shop    string        // the name the shop will have; "" = its own choice
	Uses    int           // how many shops may join; 0 = DefaultUses
	Expires time.Duration // from now; 0 = DefaultExpires
}

// Invite makes an invite. It needs admission.key and federation.json alone, so it works
// whether the hub runs or not, and on another machine. code is one line and a secret.
// warnings say why shops may not reach the hub with it.
func Invite(_ context.Context, dir string, o InviteOptions) (code string, warnings []string, err error) {
	p, err := currentPublic(dir)
	if err != nil {
		return "", nil, err
	}
	admission, err := admissionKey.read(dir)
	if err != nil {
		return "", nil, err
	}
	if o.Uses == 0 {
		o.Uses = DefaultUses
	}
	if o.Expires == 0 {
		o.Expires = DefaultExpires
	}
	if o.Uses < 0 || o.Uses > membership.MaxUses {
		return "", nil, exchange.Errorf(exchange.CodeInvalid, "an invite is for 1 to %d shops, not %d", membership.MaxUses, o.Uses)
	}
	if o.Expires < 0 {
		return "", nil, exchange.Errorf(exchange.CodeInvalid, "an invite cannot expire %v ago", -o.Expires)
	}
	inv, err := membership.NewInvite(p.Federation, p.Hub, admission, membership.InviteOptions{
		Uses: uint32(o.Uses), Expires: wallClock{}.Now().Add(o.Expires), ShopName: o.Shop,
	}, rand.Reader)
	if err != nil {
		return "", nil, err
	}
	return inv.Code(), reachWarnings(p.Hub), nil
}

// currentPublic is federation.json; on the hub's machine with the addresses that the configuration
// and the machine have now.
func currentPublic(dir string) (Public, error) {
	p, err := readPublic(dir)
	if err != nil {
		return p, err
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	cfg, err := readConfig(dir)
	if err != nil {
		return p, err
	}
	if cfg.OpenPort == 0 || cfg.ClosedPort == 0 {
		return p, exchange.Errorf(exchange.CodeState, "a port in %s is 0, so no invite can name it; run the hub once, or set it", filepath.Join(dir, configFile))
	}
	interfaces, err := interfaceAddrs()
	if err != nil {
		return p, err
	}
	p.Hub = cfg.advertised(p.Hub.Open.Peer, p.Hub.Closed.Peer, interfaces)
	return p, p.check()
}

func reachWarnings(h membership.Hub) []string {
	switch max(reachOfAddrs(h.Open.Addrs), reachOfAddrs(h.Closed.Addrs)) {
	case machine:
		return []string{"the invite names only this machine's loopback address: only a shop on this machine can join with it. Set announce in " + configFile + " to the hub's public name or address"}
	case local:
		return []string{"the invite names only private addresses: only shops in the hub's own network can join with it. Set announce in " + configFile + " to the hub's public name or address"}
	}
	return nil
}

// Revoke takes a shop, named by its ShopID, out of the federation for good. It needs admission.key.
// nil means that the list holds the revocation, durably; it may be repeated.
func Revoke(ctx context.Context, dir, shop, why string) error {
	id, err := exchange.ParseShopID(strings.TrimSpace(shop))
	if err != nil {
		return exchange.Errorf(exchange.CodeInvalid, "%w. A shop is revoked by its whole ShopID, because names are not unique; see souk hub members", err)
	}
	return sign(ctx, dir, func(origin string, k ed25519.PrivateKey) (membership.Statement, error) {
		return membership.NewRevoke(origin, k, id, why)
	})
}

// Void ends an invite, given by its id or its code; shops that joined by it stay. It needs
// admission.key. nil means that the list holds it, durably; it may be repeated.
func Void(ctx context.Context, dir, invite, why string) error {
	p, err := readPublic(dir)
	if err != nil {
		return err
	}
	id, err := inviteID(p.Federation, invite)
	if err != nil {
		return err
	}
	return sign(ctx, dir, func(origin string, k ed25519.PrivateKey) (membership.Statement, error) {
		return membership.NewVoid(origin, k, id, why)
	})
}

func inviteID(f membership.Federation, s string) (membership.InviteID, error) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "souk-invite") {
		return membership.ParseInviteID(s)
	}
	inv, err := membership.ParseInvite(s)
	if err == nil {
		err = inv.Token.Verify(f)
	}
	return inv.Token.ID, err
}

// sign makes a statement with the folder's admission key and has it entered: by the hub that runs
// on the folder, else in the folder's store, else, where the folder holds no log, by the
// hub it names, over the network.
func sign(ctx context.Context, dir string, build func(origin string, k ed25519.PrivateKey) (membership.Statement, error)) error {
	p, err := readPublic(dir)
	if err != nil {
		return err
	}
	k, err := admissionKey.read(dir)
	if err != nil {
		return err
	}
	if !p.Federation.Admission.Equal(public(k)) {
		return exchange.Errorf(exchange.CodeConflict, "admission.key is not that of %s in %s", p.Federation.Origin, federationFile)
	}
	st, err := build(p.Federation.Origin, k)
	if err != nil {
		return err
	}
	if c, running := dialHub(ctx, dir); running {
		return c.submit(ctx, st)
	}
	if !holdsLog(dir) {
		return members.Submit(ctx, st, func(ctx context.Context, req []byte) ([]byte, error) {
			return p2p.Ask(ctx, p2p.AskConfig{Addrs: withPeer(p.Hub.Open), Federation: p.Federation.Label()}, protocol.Join, req)
		})
	}
	return withList(dir, p, func(l *list) error {
		_, err := l.submit(st)
		return err
	})
}

// holdsLog reports whether a hub can run on dir.
func holdsLog(dir string) bool {
	_, err := os.Stat(logKey.path(dir))
	return err == nil
}

// withList opens the list of a folder on which no hub runs.
func withList(dir string, p Public, use func(*list) error) error {
	if !holdsLog(dir) {
		return exchange.Errorf(exchange.CodeNotFound, "%s does not hold the member list; run this on the hub's machine, or open the hub's status page", dir)
	}
	lock, err := store.Lock(dir)
	if err != nil {
		return err
	}
	return errors.Join(useList(dir, p, use), lock.Unlock())
}

func useList(dir string, p Public, use func(*list) error) error {
	k, err := logKey.read(dir)
	if err != nil {
		return err
	}
	db, err := openStore(dir, nil, nil)
	if err != nil {
		return err
	}
	l, err := openList(db, p.Federation, k, wallClock{}, nil)
	if err == nil {
		err = use(l)
	}
	return errors.Join(err, db.Close())
}

// Members lists all shops that are or were in the list, in the order of joining.
func Members(ctx context.Context, dir string) ([]MemberInfo, error) {
	p, err := readPublic(dir)
	if err != nil {
		return nil, err
	}
	var out []MemberInfo
	if c, running := dialHub(ctx, dir); running {
		err := c.get(ctx, "/members", &out)
		return out, err
	}
	err = withList(dir, p, func(l *list) error {
		out = memberInfos(l.roster)
		return nil
	})
	return out, err
}

// Status reports on the hub of a folder, running or not.
func Status(ctx context.Context, dir string) (Report, error) {
	p, err := readPublic(dir)
	if err != nil {
		return Report{}, err
	}
	var r Report
	if c, running := dialHub(ctx, dir); running {
		err := c.get(ctx, "/status", &r)
		return r, err
	}
	err = withList(dir, p, func(l *list) error {
		r = report(p, l.roster, l.clock)
		return nil
	})
	return r, err
}
