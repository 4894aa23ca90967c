package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub/hubsim"
)

// inWorld runs test in a bubble with a running hub.
func inWorld(t *testing.T, test func(t *testing.T, w *hubsim.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := hubsim.New(t)
		defer w.Close()
		w.StartHub()
		test(t, w)
	})
}

// joined is a shop that joined and runs.
func joined(w *hubsim.World) *hubsim.Shop {
	w.T.Helper()
	s := w.NewShop()
	if err := s.Join(w.Invite(membership.InviteOptions{})); err != nil {
		w.T.Fatal(err)
	}
	s.Start()
	return s
}

func TestJoinAndMeet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		a, b := joined(w), joined(w)
		w.Wait(10*time.Second, "both learn of each other", func() bool { return a.List.IsMember(b.ID) && b.List.IsMember(a.ID) })
		if err := a.Echo(b.ID); err != nil {
			t.Fatal(err)
		}
	})
}
