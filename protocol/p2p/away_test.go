package p2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// suspicion is how soon a member that left a request unanswered is known to be away.
const suspicion = 4 * time.Second

// TestAway: a request to a wanted member that is known to be away is answered within a second and
// tells that nothing was sent. Until that is known, a dial has the caller's time. A member that is
// back is at once not away any more.
func TestAway(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.all()
		w.nodes[1].SetWanted([]exchange.ShopID{w.ids[2]})
		w.wait(10*time.Second, "connected", func() bool { return w.connected(1, 2) })
		if w.nodes[1].Away(w.ids[2]) {
			t.Error("a connected member is away")
		}
		ask := func() (time.Duration, error) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, err := w.nodes[1].Request(ctx, w.ids[2], "echo", nil)
			return time.Since(began), err
		}
		w.stop(2)
		w.wait(time.Minute, "known to be away", func() bool { return w.nodes[1].Away(w.ids[2]) })
		for range 3 {
			if took, err := ask(); !p2p.IsUnsent(err) || p2p.IsAnswer(err) || exchange.CodeOf(err) != exchange.CodeUnavailable || took > time.Second {
				t.Fatalf("after %v: %v", took, err)
			}
			time.Sleep(7 * time.Second)
		}
		w.start(2, nil, nil)
		w.wait(30*time.Second, "connected again", func() bool { return w.connected(1, 2) })
		if w.nodes[1].Away(w.ids[2]) {
			t.Error("still away")
		}
		w.mustEcho(1, 2)

		w.world.Partition([]int{1}, []int{0, 2}) // packets vanish: nobody refuses
		if _, err := ask(); err == nil || p2p.IsUnsent(err) {
			t.Errorf("sent into a partition: %v", err)
		}
		w.wait(suspicion, "known to be away", func() bool { return w.nodes[1].Away(w.ids[2]) && !w.connected(1, 2) })
		if took, err := ask(); !p2p.IsUnsent(err) || took > time.Second {
			t.Errorf("through a partition, after %v: %v", took, err)
		}
		w.world.Heal()
		w.wait(time.Minute, "healed", func() bool { return w.connected(1, 2) && !w.nodes[1].Away(w.ids[2]) })
		w.mustEcho(1, 2)
	})
}

// TestUnwantedMemberIsDialedFully: nobody else dials a member that is not wanted, so each request to
// it dials by every path, however often that failed.
func TestUnwantedMemberIsDialedFully(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.start(0, nil, nil)
		w.start(1, nil, nil)
		time.Sleep(5 * time.Second)
		if err := w.echo(1, 2); !p2p.IsUnsent(err) {
			t.Fatalf("never started: %v", err)
		}
		w.start(2, nil, nil)
		time.Sleep(5 * time.Second)
		w.mustEcho(1, 2)
	})
}
