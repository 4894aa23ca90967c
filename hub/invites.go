package hub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
)

// InviteList is what a folder keeps of its invites.
type InviteList struct {
	Invites []InviteInfo    `json:"invites"` // oldest first; within one millisecond by id
	Damaged []DamagedInvite `json:"damaged"` // files that cannot be read; the invites themselves stay valid
}

// DamagedInvite is a file that should describe an invite and cannot be read.
type DamagedInvite struct {
	File string              `json:"file"`
	ID   membership.InviteID `json:"id,omitzero"` // by the file's name; zero where the name is no id
	Why  string              `json:"why"`
}

// keptInvites reads what keepInvite wrote, in the order of [InviteList].
func keptInvites(dir string) (InviteList, error) {
	out := InviteList{Invites: []InviteInfo{}, Damaged: []DamagedInvite{}}
	names, err := os.ReadDir(filepath.Join(dir, invitesName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	for _, n := range names {
		stem, ours := strings.CutSuffix(n.Name(), inviteExt)
		if !ours {
			continue // a temporary file of package durable
		}
		path := filepath.Join(dir, invitesName, n.Name())
		id, _ := membership.ParseInviteID(stem)
		i, err := readInvite(path, id)
		if err != nil {
			out.Damaged = append(out.Damaged, DamagedInvite{File: path, ID: id, Why: err.Error()})
			continue
		}
		out.Invites = append(out.Invites, i)
	}
	slices.SortFunc(out.Invites, func(a, b InviteInfo) int {
		return cmp.Or(cmp.Compare(a.Made, b.Made), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return out, nil
}

// readInvite reads the file at path, which is named after the invite id.
func readInvite(path string, id membership.InviteID) (InviteInfo, error) {
	var i InviteInfo
	b, err := os.ReadFile(path)
	if err != nil {
		return i, err
	}
	if err := json.Unmarshal(b, &i); err != nil {
		return i, err
	}
	if i.ID != id || i.Uses < 1 || i.Expires <= 0 {
		return i, errors.New("it does not tell of the invite after which it is named")
	}
	return i, nil
}

// Invites lists the invites that were made in this folder. Where the folder holds the member list,
// it says how often each was used. Files that cannot be read are in Damaged.
func Invites(ctx context.Context, dir string) (InviteList, error) {
	p, err := readPublic(dir)
	if err != nil {
		return InviteList{}, err
	}
	var out InviteList
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

// invites lists the invites of a folder; list is nil where the member list is on another machine.
func invites(dir string, list *roster.Roster) (InviteList, error) {
	kept, err := keptInvites(dir)
	if err != nil {
		return kept, err
	}
	void, err := voids(list)
	now := wallClock{}.Now()
	for i := range kept.Invites {
		v := &kept.Invites[i]
		var use membership.InviteUse
		if list != nil {
			use = list.State().Invite(v.ID)
			v.Used = &use.Used
		}
		switch {
		case use.Voided:
			v.Status, v.Why, v.VoidAt = InviteVoid, void[v.ID].Why, void[v.ID].At
		case use.Used >= v.Uses:
			v.Status = InviteUsed
		case now > exchange.Time(v.Expires):
			v.Status = InviteExpired
		case list == nil:
			v.Status = InviteUnknown
		default:
			v.Status = InviteOpen
		}
	}
	return kept, err
}

// Voided is an invite that nobody can join with any more, as the list holds it.
type Voided struct {
	ID      membership.InviteID `json:"id"`
	Void    bool                `json:"void"` // always true
	Why     string              `json:"why"`
	At      JSONTime            `json:"at,omitzero"` // 0 = unknown: the list is on another machine
	Already bool                `json:"already"`     // the invite was void before, for this reason
}

// voids reads the entries that voided an invite; list may be nil. For a list of 10,000 entries it
// takes some 50 ms.
func voids(list *roster.Roster) (map[membership.InviteID]Voided, error) {
	out := map[membership.InviteID]Voided{}
	if list == nil {
		return out, nil
	}
	for i := range list.State().Size() {
		raw, err := list.Entry(i)
		if err != nil {
			return out, err
		}
		e, err := membership.DecodeEntry(raw)
		if err != nil {
			return out, err
		}
		if v, ok := e.Statement.(membership.Void); ok {
			out[v.Invite] = Voided{ID: v.Invite, Void: true, Why: v.Why, At: JSONTime(e.At)}
		}
	}
	return out, nil
}

// voided returns the void entry of an invite in the folder's list. ok is false where the invite is
// not void, or the list is on another machine.
func voided(ctx context.Context, dir string, p Public, id membership.InviteID) (v Voided, ok bool, err error) {
	if c, running := dialHub(ctx, dir); running {
		err := c.get(ctx, "/voids/"+id.String(), &v)
		return v, v.Void, err
	}
	if !holdsLog(dir) {
		return v, false, nil
	}
	err = withList(dir, p, func(l *list) error {
		all, err := voids(l.roster)
		v, ok = all[id]
		return err
	})
	return v, ok, err
}

// Void ends an invite, named by its id or its code; shops that joined by the invite stay. Void
// needs admission.key. nil means that the list holds the void entry, durably. Void may be
// repeated, and the first reason stays.
func Void(ctx context.Context, dir, invite, why string) (Voided, error) {
	p, err := readPublic(dir)
	if err != nil {
		return Voided{}, err
	}
	id, err := inviteID(p.Federation, invite)
	if err != nil {
		return Voided{}, err
	}
	v, already, err := voided(ctx, dir, p, id)
	if err != nil {
		return Voided{}, err
	}
	if already {
		v.Already = true
		return v, nil
	}
	err = sign(ctx, dir, func(origin string, k ed25519.PrivateKey) (membership.Statement, error) {
		return membership.NewVoid(origin, k, id, why)
	})
	if err != nil {
		return Voided{}, err
	}
	v, known, err := voided(ctx, dir, p, id)
	if !known && err == nil {
		v = Voided{ID: id, Void: true, Why: why}
	}
	return v, err
}

// CheckInvite reports a text that is neither an invite's id nor its code, as CodeInvalid or
// CodeInvite.
func CheckInvite(s string) error {
	_, _, err := parseInvite(s)
	return err
}

// parseInvite reads an id, or a code; token is nil for an id.
func parseInvite(s string) (id membership.InviteID, token *membership.Token, err error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "souk-invite") {
		inv, err := membership.ParseInvite(s)
		return inv.Token.ID, &inv.Token, err
	}
	if id, err = membership.ParseInviteID(s); err != nil {
		err = exchange.Errorf(exchange.CodeInvalid, "%w, nor an invite's line; souk hub invites lists the ids", err)
	}
	return id, nil, err
}

func inviteID(f membership.Federation, s string) (membership.InviteID, error) {
	id, token, err := parseInvite(s)
	if err == nil && token != nil {
		err = token.Verify(f)
	}
	return id, err
}
