package hub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
)

// TestInvites: invites are listed without their secrets, with their use by the member list,
// whether the hub runs or not. An invite is voided by its id.
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
	while := must(hub.Invites(ctx, dir))(t).Invites
	stop()
	for name, list := range map[string][]hub.InviteInfo{"running": while, "stopped": must(hub.Invites(ctx, dir))(t).Invites} {
		t.Run(name, func(t *testing.T) {
			if len(list) != len(made) {
				t.Fatalf("%d invites are listed, want %d", len(list), len(made))
			}
			for _, got := range list {
				for i, want := range []struct {
					status string
					used   uint32
				}{{hub.InviteVoid, 0}, {hub.InviteUsed, 1}, {hub.InviteOpen, 0}, {hub.InviteExpired, 0}} {
					m := made[i].InviteInfo
					if got.ID == m.ID && (got.Status != want.status || *got.Used != want.used || got.Shop != m.Shop || got.Uses != m.Uses || got.Expires != m.Expires) {
						t.Errorf("invite %d is %+v, used %d", i, got, *got.Used)
					}
				}
			}
		})
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
		t.Run(fmt.Sprintf("%d uses, %v", o.Uses, o.Expires), func(t *testing.T) {
			if _, err := hub.Invite(t.Context(), dir, o); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
	if _, err := hub.Invite(t.Context(), dir, hub.InviteOptions{Uses: membership.MaxUses, Expires: hub.MaxExpires}); err != nil {
		t.Error(err)
	}
	if list := must(hub.Invites(t.Context(), dir))(t).Invites; len(list) != 1 {
		t.Errorf("%d invites are listed, want 1", len(list))
	}
}

// TestInviteOrder: the oldest invites are listed first, and invites of one millisecond always in the
// same order. Files are read by name, which is the id, so here the oldest invites have the highest
// ids.
func TestInviteOrder(t *testing.T) {
	const count, together = 48, 16 // a sort of less than 13 is stable by itself
	dir, _ := initHub(t)
	made := make([]hub.Invited, count)
	for i := range made {
		made[i] = must(hub.Invite(t.Context(), dir, hub.InviteOptions{}))(t)
	}
	slices.SortFunc(made, func(a, b hub.Invited) int { return -bytes.Compare(a.ID[:], b.ID[:]) })
	want := make([]membership.InviteID, count)
	for i := range made {
		made[i].Made = hub.JSONTime(1000 + i/together)
		want[i] = made[i].ID
		b := must(json.Marshal(made[i].InviteInfo))(t)
		if err := os.WriteFile(filepath.Join(dir, "invites", made[i].ID.String()+".json"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < count; i += together {
		slices.Reverse(want[i : i+together])
	}
	var got []membership.InviteID
	for _, i := range must(hub.Invites(t.Context(), dir))(t).Invites {
		got = append(got, i.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed are %v, want %v", got, want)
	}
}

// TestDamagedInvite: a file that cannot be read is named, and hides no other invite.
func TestDamagedInvite(t *testing.T) {
	dir, _ := initHub(t)
	var made []hub.Invited
	for range 4 {
		made = append(made, must(hub.Invite(t.Context(), dir, hub.InviteOptions{}))(t))
	}
	file := func(i int) string { return filepath.Join(dir, "invites", made[i].ID.String()+".json") }
	other, err := os.ReadFile(file(3))
	if err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(dir, "invites", "stray.json")
	for path, content := range map[string]string{file(0): `{"id":`, file(1): string(other), stray: "{}"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stopped := must(hub.Invites(t.Context(), dir))(t)
	_, stop := runHub(t, dir)
	running := must(hub.Invites(t.Context(), dir))(t)
	stop()
	for name, list := range map[string]hub.InviteList{"running": running, "stopped": stopped} {
		t.Run(name, func(t *testing.T) {
			listed := map[membership.InviteID]bool{}
			for _, i := range list.Invites {
				listed[i.ID] = true
			}
			if want := map[membership.InviteID]bool{made[2].ID: true, made[3].ID: true}; !maps.Equal(listed, want) {
				t.Errorf("listed are %+v", list.Invites)
			}
			ids := map[string]membership.InviteID{}
			for _, d := range list.Damaged {
				if ids[d.File] = d.ID; d.Why == "" {
					t.Errorf("why is %s damaged?", d.File)
				}
			}
			if want := map[string]membership.InviteID{file(0): made[0].ID, file(1): made[1].ID, stray: {}}; !maps.Equal(ids, want) {
				t.Errorf("damaged are %v, want %v", ids, want)
			}
		})
	}
}

// TestVoidTwice: the first void stays, and the second tells of it, whether the hub runs or not.
func TestVoidTwice(t *testing.T) {
	dir, _ := initHub(t)
	ctx := t.Context()
	made := must(hub.Invite(ctx, dir, hub.InviteOptions{}))(t)
	first := must(hub.Void(ctx, dir, made.ID.String(), "lost"))(t)
	if first.Already || first.Why != "lost" || first.At == 0 {
		t.Errorf("the first: %+v", first)
	}
	entries := must(hub.Status(ctx, dir))(t).Entries
	want := first
	want.Already = true
	again := func(invite string) {
		t.Helper()
		if got := must(hub.Void(ctx, dir, invite, "another reason"))(t); got != want {
			t.Errorf("again: %+v, want %+v", got, want)
		}
		if now := must(hub.Status(ctx, dir))(t).Entries; now != entries {
			t.Errorf("the list has %d entries, had %d", now, entries)
		}
		if i := must(hub.Invites(ctx, dir))(t).Invites[0]; i.Why != "lost" || i.VoidAt != first.At {
			t.Errorf("it is listed as %+v", i)
		}
	}
	again(made.ID.String())
	_, stop := runHub(t, dir)
	again(made.Code)
	stop()
}
