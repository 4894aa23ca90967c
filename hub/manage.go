package hub

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// Revoked is a revocation as the list holds it.
type Revoked struct {
	Shop    exchange.ShopID `json:"revoked"`
	Name    string          `json:"name,omitempty"` // "" = unknown: the list is on another machine
	Why     string          `json:"why"`
	At      JSONTime        `json:"at,omitzero"` // 0 = unknown: the list is on another machine
	Already bool            `json:"already"`     // the shop was revoked before, for this reason
}

// Revoke takes a shop, named by its ShopID, out of the federation for good. Revoke needs
// admission.key and a reason. nil means that the list holds the revocation, durably. Revoke may be
// repeated, and the first reason stays.
func Revoke(ctx context.Context, dir, shop, why string) (Revoked, error) {
	id, err := exchange.ParseShopID(strings.TrimSpace(shop))
	if err != nil {
		return Revoked{}, exchange.Errorf(exchange.CodeInvalid, "%w. A shop is revoked by its whole ShopID, because names are not unique; see souk hub members", err)
	}
	if strings.TrimSpace(why) == "" {
		return Revoked{}, exchange.Errorf(exchange.CodeInvalid, "a revocation needs a reason: it cannot be undone, and the shop and all members read it")
	}
	before, known, err := lookUp(ctx, dir, id)
	if err != nil {
		return Revoked{}, err
	}
	if known && before.Status == membership.Revoked.String() {
		return Revoked{Shop: id, Name: before.Name, Why: before.Why, At: before.Since, Already: true}, nil
	}
	err = sign(ctx, dir, func(origin string, k ed25519.PrivateKey) (membership.Statement, error) {
		return membership.NewRevoke(origin, k, id, why)
	})
	if err != nil {
		return Revoked{}, err
	}
	if !known {
		return Revoked{Shop: id, Why: why}, nil
	}
	after, _, err := lookUp(ctx, dir, id)
	return Revoked{Shop: id, Name: before.Name, Why: after.Why, At: after.Since}, err
}

// lookUp finds a shop in the folder's list. It returns false where the list does not name the shop,
// or is on another machine.
func lookUp(ctx context.Context, dir string, shop exchange.ShopID) (MemberInfo, bool, error) {
	list, err := Members(ctx, dir)
	if exchange.CodeOf(err) == exchange.CodeNotFound && !holdsLog(dir) {
		return MemberInfo{}, false, nil
	}
	i := slices.IndexFunc(list, func(m MemberInfo) bool { return m.Shop == shop })
	if err != nil || i < 0 {
		return MemberInfo{}, false, err
	}
	return list[i], true, nil
}

// readAdmission reads the folder's admission key.
func readAdmission(dir string) (ed25519.PrivateKey, error) {
	k, err := admissionKey.read(dir)
	if errors.Is(err, fs.ErrNotExist) || exchange.CodeOf(err) == exchange.CodeNotFound {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s has no admission.key, which signs invites, voids and revocations; run this in the folder that holds it, or copy it here from there or from a backup", dir)
	}
	return k, err
}

// sign makes a statement with the folder's admission key and has it entered. A hub that runs on the
// folder enters it; else sign enters it in the folder's store. Where the folder holds no log, the
// hub that federation.json names enters it, over the network.
func sign(ctx context.Context, dir string, build func(origin string, k ed25519.PrivateKey) (membership.Statement, error)) error {
	p, err := readPublic(dir)
	if err != nil {
		return err
	}
	k, err := readAdmission(dir)
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
