package members_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub/hubsim"
)

// TestJoinWhileOthersStart: no gossip reaches a shop that has just started. The shop learns of
// a new entry within seconds all the same.
func TestJoinWhileOthersStart(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	rounds := 30
	if testing.Short() {
		rounds = 10
	}
	const within = 5 * time.Second
	inWorld(t, func(t *testing.T, w *hubsim.World) {
		w.Net.SetLatency(40 * time.Millisecond) // the first heartbeat, after 100 ms, is before the hub is met
		start(w, joined(w))
		var worst time.Duration
		for range rounds {
			starting, newest := joined(w), w.NewShop()
			invite := w.Invite(membership.InviteOptions{})
			starting.Start()
			off := time.Duration(random.Int64N(int64(1200 * time.Millisecond)))
			time.Sleep(off)
			if err := newest.Join(invite); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			w.Wait(20*time.Minute, "the shop that started knows the one that joined", func() bool { return starting.List.IsMember(newest.ID) })
			worst = max(worst, time.Since(begun))
			starting.Stop()
			time.Sleep(5 * time.Second) // the hub counts joins by address
		}
		t.Logf("the last of %d joins was known after %v", rounds, worst)
		if worst > within {
			t.Errorf("a join was known only after %v, not within %v", worst, within)
		}
	})
}
