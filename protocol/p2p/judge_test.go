package p2p_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/protocol/p2p"
)

// TestJudgeAnnounced: an announced name that does not resolve leaves what a node tells, and comes back when
// it does.
func TestJudgeAnnounced(t *testing.T) {
	const named = "/dns4/shop.example/tcp/7351"
	key, id := newKey(t)
	n, err := p2p.New(p2p.Config{Key: key, Federation: federation, Members: newList(id), Logger: testLog(), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Announce: []string{named}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, c := range []struct {
		fault p2p.AnnounceFault
		told  bool
	}{{0, true}, {p2p.AnnounceUnresolved, false}, {p2p.AnnounceUnchecked, true}, {p2p.AnnounceUnresolved, false}, {0, true}} {
		n.JudgeAnnounced([]p2p.AnnounceCheck{{Address: named, Name: "shop.example", Fault: c.fault}})
		if told := strings.Join(n.Reach().Told, " "); strings.Contains(told, named) != c.told {
			t.Errorf("fault %d: told %q, want the name: %v", c.fault, told, c.told)
		}
		if record := string(n.SignedAddresses()); strings.Contains(record, "shop.example") != c.told {
			t.Errorf("fault %d: the record has the name: %v", c.fault, !c.told)
		}
	}
}
