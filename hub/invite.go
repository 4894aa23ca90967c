package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/store/durable"
)

// Defaults and bounds of an invite.
const (
	DefaultUses    = 1
	DefaultExpires = 72 * time.Hour
	// MaxExpires is the longest life of an invite: a season in which shops join one after another.
	// An invite is a secret that lies in mailboxes, so it should not live longer.
	MaxExpires = 90 * 24 * time.Hour
)

// InviteOptions are what an operator says about a new invite. The zero value is an invite
// of the defaults, for a shop of any name.
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
	Made    JSONTime            `json:"made"`
	Expires JSONTime            `json:"expires"`
	Used    *uint32             `json:"used,omitempty"` // joins so far; nil = the list is on another machine
	Status  string              `json:"status,omitempty"`
	Why     string              `json:"why,omitempty"`    // it is void
	VoidAt  JSONTime            `json:"void_at,omitzero"` // 0 = it is not void
}

// Invited is a new invite.
type Invited struct {
	InviteInfo
	Code     string   `json:"invite"`   // one line, and a secret
	Warnings []string `json:"warnings"` // why shops may not reach the hub with it
}

// Invite makes an invite. It needs only admission.key and federation.json, so that it works
// whether the hub runs or not, and on another machine. The folder keeps of the invite what
// [Invites] lists.
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
		ID: inv.Token.ID, Shop: inv.Token.ShopName, Uses: inv.Token.Uses, Made: JSONTime(now), Expires: JSONTime(inv.Token.Expires),
	}}
	return made, keepInvite(dir, made.InviteInfo)
}

// invitesName is the folder with one file, <id>.json, for each invite. A file has some 200 bytes:
// tens of thousands of invites are listed in a second.
const (
	invitesName = "invites"
	inviteExt   = ".json"
)

func keepInvite(dir string, i InviteInfo) error {
	folder := filepath.Join(dir, invitesName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return exchange.Errorf(exchange.CodeInternal, "no invite is made, for it could not be kept for souk hub invites: %w", err)
	}
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	return durable.Write(filepath.Join(folder, i.ID.String()+inviteExt), append(b, '\n'), 0o600)
}
