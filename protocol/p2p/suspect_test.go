package p2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestDeathWhileWaiting: a connection that dies while a slow answer is under way is noticed, although it
// answered a ping when the answer began to be late.
func TestDeathWhileWaiting(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		slow := func(n *p2p.Node) {
			n.Handle("slow", func(ctx context.Context, _ exchange.ShopID, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
		}
		for i := range w.nodes {
			w.start(i, nil, slow)
		}
		w.wait(time.Minute, "all are connected", func() bool { return w.connected(1, 0) && w.connected(2, 0) })
		w.mustEcho(1, 2)
		w.wait(time.Minute, "they are connected directly, and not otherwise", func() bool {
			p := w.peer(1, 2)
			return p.Direct && len(p.Addresses) == 1
		})
		ended := make(chan time.Duration, 1)
		begun := time.Now()
		go func() {
			_, _ = w.nodes[1].Request(context.Background(), w.ids[2], "slow", nil)
			ended <- time.Since(begun)
		}()
		time.Sleep(4 * time.Second)
		w.world.Partition([]int{1}, []int{2})
		if took := <-ended; took > 12*time.Second {
			t.Errorf("it ended %v after the connection had died", took-4*time.Second)
		}
	})
}
