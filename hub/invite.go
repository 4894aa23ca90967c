package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
)

// Defaults and bounds of an invite.
const (
	DefaultUses    = 1
	DefaultExpires = 72 * time.Hour
	// MaxExpires is the longest life of an invite: a season of shops that join one after
	// another. It is a secret that lies in mailboxes, so it should not outlive them.
	MaxExpires = 90 * 24 * time.Hour
)

// InviteOptions are what an operator says about a new invite. The zero value is one shop,
// any name, 72 hours.
type InviteOptions struct {
	Shop    string        // the name the shop will have; "" = its own choice
	Uses    int           // how many shops may join, 1 to membership.MaxUses; 0 = DefaultUses
	Expires time.Duration // from now, above 0 up to MaxExpires; 0 = DefaultExpires
}

// CheckUses reports a number of uses out of bounds, as CodeInvalid.
func CheckUses(uses int) error {
	if uses < 1 || uses > membership.MaxUses {
		return exchange.Errorf(exchange.CodeInvalid, "an invite is for 1 to %d shops, not %d", membership.MaxUses, uses)
	}
	return nil
}

// CheckExpires reports a life out of bounds, as CodeInvalid.
func CheckExpires(d time.Duration) error {
	if d <= 0 || d > MaxExpires {
		return exchange.Errorf(exchange.CodeInvalid, "an invite lives longer than nothing and at most %d days, not %v", MaxExpires/(24*time.Hour), d)
	}
	return nil
}

// Status of an invite.
const (
	InviteOpen    = "open"
	InviteUsed    = "used"
	InviteExpired = "expired"
	InviteVoid    = "void"
	InviteUnknown = "unknown" // not expired, and the list is on another machine
)

// InviteInfo is an invite that was made in a folder, without its secret.
type InviteInfo struct {
	ID      membership.InviteID `json:"id"`
	Shop    string              `json:"shop_name,omitempty"` // "" = any
	Uses    uint32              `json:"uses"`
	Made    exchange.Time       `json:"made"`
	Expires exchange.Time       `json:"expires"`
	Used    *uint32             `json:"used,omitempty"` // joins so far; nil = the list is on another machine
	Status  string              `json:"status,omitempty"`
}

// Invited is a new invite.
type Invited struct {
	InviteInfo
	Code     string   `json:"invite"`   // one line, and a secret
	Warnings []string `json:"warnings"` // why shops may not reach the hub with it
}

// Invite makes an invite. It needs admission.key and federation.json alone, so it works
// whether the hub runs or not, and on another machine. The folder keeps what [Invites]
// lists of it.
func Invite(_ context.Context, dir string, o InviteOptions) (Invited, error) {
	p, err := currentPublic(dir)
	if err != nil {
		return Invited{}, err
	}
	admission, err := readAdmission(dir)
	if err != nil {
		return Invited{}, err
	}
	if o.Uses == 0 {
		o.Uses = DefaultUses
	}
	if o.Expires == 0 {
		o.Expires = DefaultExpires
	}
	if err := errors.Join(CheckUses(o.Uses), CheckExpires(o.Expires)); err != nil {
		return Invited{}, err
	}
	now := wallClock{}.Now()
	inv, err := membership.NewInvite(p.Federation, p.Hub, admission, membership.InviteOptions{
		Uses: uint32(o.Uses), Expires: now.Add(o.Expires), ShopName: o.Shop,
	}, rand.Reader)
	if err != nil {
		return Invited{}, err
	}
	made := Invited{Code: inv.Code(), Warnings: append([]string{}, reachWarnings(p.Hub)...), InviteInfo: InviteInfo{
		ID: inv.Token.ID, Shop: inv.Token.ShopName, Uses: inv.Token.Uses, Made: now, Expires: inv.Token.Expires,
	}}
	return made, keepInvite(dir, made.InviteInfo)
}

// invitesName is the folder of what is kept of invites: <id>.json, some 200 bytes each, so
// that even tens of thousands are listed in a second.
const invitesName = "invites"

func keepInvite(dir string, i InviteInfo) error {
	folder := filepath.Join(dir, invitesName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "no invite is made, for it could not be kept for souk hub invites: %w", err)
	}
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	return writeFile(filepath.Join(folder, i.ID.String()+".json"), append(b, '\n'), 0o600)
}

// keptInvites reads what keepInvite wrote, oldest first.
func keptInvites(dir string) ([]InviteInfo, error) {
	names, err := os.ReadDir(filepath.Join(dir, invitesName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	out := []InviteInfo{}
	for _, n := range names {
		if filepath.Ext(n.Name()) != ".json" {
			continue // writeFile's temporary one
		}
		path := filepath.Join(dir, invitesName, n.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeInternal, "%w", err)
		}
		var i InviteInfo
		if err := json.Unmarshal(b, &i); err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s is damaged; take it away, the invite stays as it is: %w", path, err)
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b InviteInfo) int { return int(a.Made - b.Made) })
	return out, nil
}

// Invites lists the invites that were made in this folder, oldest first, and what the
// member list says of their use, where it is at hand.
func Invites(ctx context.Context, dir string) ([]InviteInfo, error) {
	p, err := readPublic(dir)
	if err != nil {
		return nil, err
	}
	var out []InviteInfo
	if c, running := dialHub(ctx, dir); running {
		err := c.get(ctx, "/invites", &out)
		return out, err
	}
	if !holdsLog(dir) {
		return invites(dir, nil)
	}
	err = withList(dir, p, func(l *list) error {
		out, err = invites(dir, l.roster)
		return err
	})
	return out, err
}

// invites are those of a folder; list is nil where it is on another machine.
func invites(dir string, list *roster.Roster) ([]InviteInfo, error) {
	kept, err := keptInvites(dir)
	now := wallClock{}.Now()
	for i := range kept {
		v := &kept[i]
		var use membership.InviteUse
		if list != nil {
			use = list.State().Invite(v.ID)
			v.Used = &use.Used
		}
		switch {
		case use.Voided:
			v.Status = InviteVoid
		case use.Used >= v.Uses:
			v.Status = InviteUsed
		case now > v.Expires:
			v.Status = InviteExpired
		case list == nil:
			v.Status = InviteUnknown
		default:
			v.Status = InviteOpen
		}
	}
	return kept, err
}

// Void ends an invite, given by its id or its code; shops that joined by it stay. It needs
// admission.key. nil means that the list holds it, durably; it may be repeated.
func Void(ctx context.Context, dir, invite, why string) (membership.InviteID, error) {
	p, err := readPublic(dir)
	if err != nil {
		return membership.InviteID{}, err
	}
	id, err := inviteID(p.Federation, invite)
	if err != nil {
		return id, err
	}
	return id, sign(ctx, dir, func(origin string, k ed25519.PrivateKey) (membership.Statement, error) {
		return membership.NewVoid(origin, k, id, why)
	})
}

func inviteID(f membership.Federation, s string) (membership.InviteID, error) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "souk-invite") {
		id, err := membership.ParseInviteID(s)
		if err != nil {
			return id, exchange.Errorf(exchange.CodeInvalid, "%w, nor an invite's line; souk hub invites lists the ids", err)
		}
		return id, nil
	}
	inv, err := membership.ParseInvite(s)
	if err == nil {
		err = inv.Token.Verify(f)
	}
	return inv.Token.ID, err
}
