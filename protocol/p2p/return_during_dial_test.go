package p2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestReturnsDuringDial: a shop comes back at another address while a request to it hangs in
// a dial to the old one. The request goes out over the session that the shop began.
func TestReturnsDuringDial(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		for i := range 3 {
			w.start(i, nil, nil)
		}
		time.Sleep(3 * time.Second)
		w.mustEcho(1, 2)
		address := w.nodes[1].SignedAddresses()
		w.stop(2)
		w.wait(time.Minute, "lost", func() bool { return !w.connected(1, 2) })
		w.world.Partition([]int{2}, []int{0, 1}) // what is sent to the old address is lost

		answered := make(chan error, 1)
		begun := time.Now()
		go func() {
			_, err := w.nodes[1].Request(context.Background(), w.ids[2], "echo", []byte("hello"))
			answered <- err
		}()
		time.Sleep(time.Second)
		select {
		case err := <-answered:
			t.Fatalf("answered before the shop is back: %v", err)
		default:
		}
		n := w.start(2, func(c *p2p.Config) {
			c.Hubs, c.Listen, c.HostOptions = nil, w.world.Listen(3), w.world.HostOptions(3)
		}, nil)
		if err := n.LearnAddresses(address); err != nil {
			t.Fatal(err)
		}
		n.SetWanted([]exchange.ShopID{w.ids[1]})
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("answered after %v, with the shop back after 1 s", took)
		}
	})
}
