package p2p_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// upload has node 1 send to node 2 all the time, until end is called.
func (w *town) upload() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	n := w.nodes[1]
	work.Go(func() {
		for ctx.Err() == nil {
			work.Go(func() { _, _ = n.Request(ctx, w.ids[2], "take", make([]byte, 1000)) })
			time.Sleep(20 * time.Millisecond)
		}
	})
	return func() { cancel(); work.Wait() }
}

// pair starts two shops that are connected directly.
func (w *town) pair() {
	take := func(n *p2p.Node) {
		n.Handle("take", func(context.Context, exchange.ShopID, []byte) ([]byte, error) { return nil, nil })
	}
	for i := range w.nodes {
		w.start(i, nil, take)
	}
	w.wait(time.Minute, "all are connected", func() bool { return w.connected(1, 0) && w.connected(2, 0) })
	w.nodes[1].SetWanted([]exchange.ShopID{w.ids[2]})
	w.wait(time.Minute, "they are connected directly, and not otherwise", func() bool {
		return w.connected(1, 2) && w.peer(1, 2).Direct && len(w.peer(1, 2).Addresses) == 1
	})
}

// saturated has the first of a pair upload behind a queue of so long, grown by and by, until end is called.
func (w *town) saturated(queue time.Duration) (end func()) {
	end = w.upload()
	for q := time.Duration(0); q < queue; q += 100 * time.Millisecond {
		w.world.SetQueue(1, 2, q)
		time.Sleep(200 * time.Millisecond)
	}
	return end
}

// TestSaturatedUplink: a connection on which an upload has filled a router's queue answers a ping after
// seconds, and is alive. It is not closed: what acknowledges the upload comes in.
func TestSaturatedUplink(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.pair()
		before := w.peer(1, 2).Since
		defer w.saturated(5 * time.Second)()
		w.mustEcho(1, 2)
		time.Sleep(10 * time.Second)
		if !w.connected(1, 2) || !w.peer(1, 2).Since.Equal(before) {
			t.Error("a connection that carries an upload was closed")
		}
	})
}

// TestDeathOfBusyConnection: a connection that carries an upload is closed as soon after its death as an
// idle one.
func TestDeathOfBusyConnection(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.pair()
		defer w.saturated(2500 * time.Millisecond)()
		time.Sleep(5 * time.Second)
		w.world.Partition([]int{1}, []int{2})
		died := time.Now()
		w.wait(10*time.Second, "it is closed", func() bool { return !w.connected(1, 2) })
		if took := time.Since(died); took > 3*time.Second { // in virtual time
			t.Errorf("closed %v after its death", took)
		}
	})
}

// TestTwoDeadConnections: of a partner with two connections, both dead, a request finds both out in one
// round. The partner is away at once.
func TestTwoDeadConnections(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.world.Partition([]int{1}, []int{2})
		for i := range w.nodes {
			w.start(i, nil, nil)
		}
		w.wait(time.Minute, "all are connected", func() bool { return w.connected(1, 0) && w.connected(2, 0) })
		wanted := func(i, j int) { w.nodes[i].SetWanted([]exchange.ShopID{w.ids[j]}) }
		w.world.Heal()
		wanted(1, 2)
		wanted(2, 1) // both dial in the same moment
		w.wait(time.Minute, "connected", func() bool { return w.connected(1, 2) && w.connected(2, 1) })
		w.wait(time.Minute, "two connections", func() bool { return len(w.peer(1, 2).Addresses) == 2 })
		w.world.Partition([]int{1}, []int{0, 2})
		died := time.Now()
		go func() { _, _ = w.nodes[1].Request(context.Background(), w.ids[2], "echo", nil) }()
		w.wait(10*time.Second, "known to be away", func() bool { return w.nodes[1].Away(w.ids[2]) })
		if took := time.Since(died); took > 3*time.Second { // in virtual time
			t.Errorf("known %v after their death", took)
		}
		if slices.ContainsFunc(w.nodes[1].Peers(), func(p p2p.PeerInfo) bool { return p.Shop == w.ids[2] }) {
			t.Error("it is among the peers")
		}
	})
}
