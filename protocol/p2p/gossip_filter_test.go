package p2p

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestGossipBounds(t *testing.T) {
	f, now := newGossipFilter("/souk/test/", func(peer.ID, string, string) {}), time.Unix(1_000_000, 0)
	passed := 0
	for range 2 * authorBurst {
		if f.allowAuthor("author", now) {
			passed++
		}
	}
	if passed != authorBurst || f.allowAuthor("author", now) || !f.allowAuthor("another", now) || !f.allowAuthor("author", now.Add(time.Second)) {
		t.Fatalf("%d messages passed at once", passed)
	}
	subscribe := func(names ...string) (kept int, err error) {
		var subs []*pb.RPC_SubOpts
		for _, name := range names {
			on := true
			subs = append(subs, &pb.RPC_SubOpts{Subscribe: &on, Topicid: &name})
		}
		list, err := f.FilterIncomingSubscriptions("peer", subs)
		return len(list), err
	}
	if kept, err := subscribe("/souk/test/a", "/souk/other/a", "a", "/souk/test/a b", "/souk/test/"+strings.Repeat("x", maxTopicName+1)); kept != 1 || err != nil {
		t.Fatalf("kept %d foreign topics, %v", kept, err)
	}
	for i := range maxPeerTopics - 1 {
		if _, err := subscribe(fmt.Sprintf("/souk/test/t%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := subscribe("/souk/test/one-more"); err == nil {
		t.Fatal("a topic too many was kept")
	}
	f.gone("peer")
	if kept, err := subscribe("/souk/test/one-more"); kept != 1 || err != nil {
		t.Fatal("a neighbour that left still counts")
	}
}

// handed is how many of count messages, each of size bytes and by author, pass at now when from hands them on.
func handed(f *gossipFilter, from, author peer.ID, count, size int, now time.Time) int {
	rpc := &pubsub.RPC{}
	for range count {
		rpc.Publish = append(rpc.Publish, &pb.Message{From: []byte(author), Data: make([]byte, size)})
	}
	f.inspectAt(from, rpc, now)
	return len(rpc.GetPublish())
}

func TestNeighbourQuotas(t *testing.T) {
	var told []string
	f := newGossipFilter("/souk/test/", func(_ peer.ID, event, why string) {
		if why != "" {
			told = append(told, event+": "+why)
		}
	})
	now := time.Unix(1_000_000, 0)
	if n := handed(f, "a", "a", authorBurst+10, 1, now); n != authorBurst {
		t.Errorf("%d of its own messages pass at once", n)
	}
	if n := handed(f, "a", "b", 10, 1, now); n != 10 {
		t.Errorf("%d of others' messages pass with its own quota used up", n)
	}
	if n := handed(f, "a", "b", 10, MaxTopicMessage+1, now); n != 0 {
		t.Errorf("%d messages that are too large pass", n)
	}
	if n := handed(f, "b", "c", senderByteBurst/MaxTopicMessage+10, MaxTopicMessage, now); n != senderByteBurst/MaxTopicMessage {
		t.Errorf("%d of the largest messages pass at once", n)
	}
	if len(told) != 0 {
		t.Fatalf("muted for a few faults: %v", told)
	}

	if n := handed(f, "c", "d", senderBurst+faultBurst, 1, now); n != senderBurst {
		t.Errorf("%d messages pass at once", n)
	}
	if len(told) != 0 {
		t.Fatalf("muted at the bound: %v", told)
	}
	if handed(f, "c", "d", 1, 1, now); len(told) != 1 {
		t.Fatalf("not muted beyond the bound: %v", told)
	}
	f.gone("c") // coming back changes nothing
	if n := handed(f, "c", "d", 1, 1, now.Add(muteTime-time.Second)); n != 0 {
		t.Error("heard while muted")
	}
	if n := handed(f, "d", "c", 1, 1, now); n != 1 {
		t.Error("its messages are not heard of others")
	}
	if n := handed(f, "c", "d", 1, 1, now.Add(muteTime)); n != 1 {
		t.Error("not heard when the time is over")
	}
}

// TestAbsurdBackoff: pubsub multiplies a PRUNE's back-off by a second, unchecked.
func TestAbsurdBackoff(t *testing.T) {
	f := newGossipFilter("/souk/test/", func(peer.ID, string, string) {})
	for _, absurd := range []uint64{maxPruneBackoff + 1, math.MaxInt64 / uint64(time.Second), 1 << 63, math.MaxUint64} {
		rpc := &pubsub.RPC{}
		rpc.Control = &pb.ControlMessage{Prune: []*pb.ControlPrune{{Backoff: &absurd}, nil, {}}}
		f.inspectAt("peer", rpc, time.Now())
		if got := rpc.GetControl().GetPrune()[0].GetBackoff(); got != maxPruneBackoff {
			t.Errorf("a back-off of %d s", got)
		}
	}
}
