package hub_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
)

// TestInvites: what was invited can be listed without its secret, with its use by the
// list, whether the hub runs or not; and voided by its id.
func TestInvites(t *testing.T) {
	dir, _ := initHub(t)
	ctx := t.Context()
	made := make([]hub.Invited, 4)
	for i, o := range []hub.InviteOptions{{}, {Shop: "Acorn Shoes"}, {Uses: 2}, {Expires: time.Millisecond}} {
		made[i] = must(hub.Invite(ctx, dir, o))(t)
	}
	if _, err := hub.Void(ctx, dir, made[0].ID.String(), "lost"); err != nil {
		t.Fatal(err)
	}
	_, stop := runHub(t, dir)
	for _, i := range []int{1, 2} {
		if _, err := joinByCode(t, made[i].Code); (err != nil) != (i == 2) { // both under one name
			t.Fatal(err)
		}
	}
	while := must(hub.Invites(ctx, dir))(t)
	stop()
	for name, list := range map[string][]hub.InviteInfo{"running": while, "stopped": must(hub.Invites(ctx, dir))(t)} {
		if len(list) != len(made) {
			t.Fatalf("%s: %d invites are listed, want %d", name, len(list), len(made))
		}
		for _, got := range list {
			for i, want := range []struct {
				status string
				used   uint32
			}{{hub.InviteVoid, 0}, {hub.InviteUsed, 1}, {hub.InviteOpen, 0}, {hub.InviteExpired, 0}} {
				m := made[i].InviteInfo
				if got.ID == m.ID && (got.Status != want.status || *got.Used != want.used || got.Shop != m.Shop || got.Uses != m.Uses || got.Expires != m.Expires) {
					t.Errorf("%s: invite %d is %+v, used %d", name, i, got, *got.Used)
				}
			}
		}
	}
	for _, m := range made {
		b, err := os.ReadFile(filepath.Join(dir, "invites", m.ID.String()+".json"))
		if err != nil || strings.Contains(string(b), m.Code) {
			t.Errorf("what is kept of an invite: %v\n%s", err, b)
		}
	}
}

// TestInviteBounds holds the bounds of uses and life.
func TestInviteBounds(t *testing.T) {
	dir, _ := initHub(t)
	for _, o := range []hub.InviteOptions{
		{Uses: -1}, {Uses: membership.MaxUses + 1}, {Expires: -time.Second}, {Expires: hub.MaxExpires + 1},
	} {
		if _, err := hub.Invite(t.Context(), dir, o); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := hub.Invite(t.Context(), dir, hub.InviteOptions{Uses: membership.MaxUses, Expires: hub.MaxExpires}); err != nil {
		t.Error(err)
	}
	if list := must(hub.Invites(t.Context(), dir))(t); len(list) != 1 {
		t.Errorf("%d invites are listed, want 1", len(list))
	}
}
