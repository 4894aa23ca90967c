package p2p

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

func TestGossipBounds(t *testing.T) {
	f, now := newGossipFilter("/souk/test/", func(peer.ID, string, string) {}, func(string) {}), time.Unix(1_000_000, 0)
	passed := 0
	for range 2 * authorBurst {
		if f.allowAuthor("author", 1, now) {
			passed++
		}
	}
	if passed != authorBurst || f.allowAuthor("author", 1, now) || !f.allowAuthor("another", 1, now) || !f.allowAuthor("author", 1, now.Add(time.Second)) {
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
	f.disconnected("peer")
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
	}, func(string) {})
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

	if n := handed(f, "c", "d", 2*senderBurst, 1, now); n != senderBurst {
		t.Errorf("%d messages pass at once", n)
	}
	if n := handed(f, "c", "c", 1, 1, now); n != 0 {
		t.Error("a message of its own passes beyond the bound")
	}
	handed(f, "c", "c", senderBurst-1+faultBurst, 1, now)
	if len(told) != 0 {
		t.Fatalf("muted at the bound: %v", told)
	}
	if handed(f, "c", "c", 1, 1, now); len(told) != 1 {
		t.Fatalf("not muted beyond the bound: %v", told)
	}
	f.disconnected("c") // coming back changes nothing
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

// TestHonestForwarders: two members hand on to a third what authors wrote, each within its own
// bounds and yet too much for one neighbour. Nobody is muted for it.
func TestHonestForwarders(t *testing.T) {
	begun := time.Unix(1_000_000, 0)
	type chain struct {
		a, b, c *gossipFilter
		passed  int // bytes from a on to c
	}
	hand := func(to *gossipFilter, from, author peer.ID, size int, now time.Time) bool {
		return handed(to, from, author, 1, size, now) == 1 && to.allowAuthor(author, size, now)
	}
	for name, write := range map[string]func(t *testing.T, w *chain){
		"one author, large messages by two ways": func(t *testing.T, w *chain) {
			for ms := range 1000 {
				now := begun.Add(time.Duration(ms) * time.Millisecond)
				for _, ok := range []bool{
					hand(w.a, "author", "author", 64<<10, now),
					hand(w.b, "author", "author", 64<<10, now) && hand(w.a, "b", "author", 64<<10, now),
				} {
					if ok {
						w.passed += 64 << 10
						hand(w.c, "a", "author", 64<<10, now)
					}
				}
			}
			if most := authorByteBurst + authorByteRate; w.passed > most {
				t.Errorf("%d bytes of one author are handed on within a second, more than %d", w.passed, most)
			}
		},
		"twelve authors, small messages": func(t *testing.T, w *chain) {
			for ms := range authorBurst {
				now := begun.Add(time.Duration(ms) * time.Millisecond)
				for i := range 12 {
					author := peer.ID(fmt.Sprintf("author %d", i))
					if hand(w.a, author, author, 1, now) {
						w.passed++
						hand(w.c, "a", author, 1, now)
					}
				}
			}
			if w.passed != 12*authorBurst {
				t.Errorf("%d messages are handed on", w.passed)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tell := func(p peer.ID, event, why string) {
				if why != "" {
					t.Fatalf("%q: %s, %s", p, event, why)
				}
			}
			filter := func() *gossipFilter { return newGossipFilter("/souk/test/", tell, func(string) {}) }
			write(t, &chain{a: filter(), b: filter(), c: filter()})
		})
	}
}

// TestAbsurdBackoff: pubsub multiplies a PRUNE's back-off by a second, unchecked.
func TestAbsurdBackoff(t *testing.T) {
	f := newGossipFilter("/souk/test/", func(peer.ID, string, string) {}, func(string) {})
	for _, absurd := range []uint64{maxPruneBackoff + 1, math.MaxInt64 / uint64(time.Second), 1 << 63, math.MaxUint64} {
		t.Run(strconv.FormatUint(absurd, 10), func(t *testing.T) {
			rpc := &pubsub.RPC{}
			rpc.Control = &pb.ControlMessage{Prune: []*pb.ControlPrune{{Backoff: &absurd}, nil, {}}}
			f.inspectAt("peer", rpc, time.Now())
			if got := rpc.GetControl().GetPrune()[0].GetBackoff(); got != maxPruneBackoff {
				t.Errorf("a back-off of %d s", got)
			}
		})
	}
}

func TestReplayWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r replay
		seen, highest := map[uint64]bool{}, uint64(0)
		at := rapid.Uint64Range(1, 1<<62).Draw(t, "start")
		for range 200 {
			at += uint64(rapid.SampledFrom([]int{0, 1, 1, 1, 2, 60, replayWindow - 1, replayWindow, 3 * replayWindow}).Draw(t, "step"))
			seq := at - min(at-1, uint64(rapid.IntRange(0, replayWindow+2).Draw(t, "late")))
			want := !seen[seq] && (seq > highest || highest-seq < replayWindow)
			if got := r.accept(seq); got != want {
				t.Fatalf("%d below the highest %d: accepted %v, want %v", highest-seq, highest, got, want)
			}
			seen[seq], highest = seen[seq] || want, max(highest, seq)
		}
	})
}
