package p2p_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// slowBook counts what is written.
type slowBook struct {
	book
	writes map[exchange.ShopID]int
}

func (b *slowBook) SaveAddresses(s exchange.ShopID, record []byte) error {
	b.mu.Lock()
	b.writes[s]++
	b.mu.Unlock()
	return b.book.SaveAddresses(s, record)
}

func (b *slowBook) written(s exchange.ShopID) (times int, last string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writes[s], string(b.records[s])
}

// addressRecord is a member's signed record of one address.
func (w *town) addressRecord(i int, seq uint64) []byte {
	w.t.Helper()
	key, err := crypto.UnmarshalEd25519PrivateKey(w.keys[i])
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	env, err := record.Seal(&peer.PeerRecord{PeerID: id, Seq: seq, Addrs: []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/5.6.7.8/udp/%d/quic-v1", 1000+seq))}}, key)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := env.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// TestMemberDecidesNoWrites: a member that changes its addresses all the time has them written from time
// to time; the last ones are.
func TestMemberDecidesNoWrites(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		kept := &slowBook{book: book{records: map[exchange.ShopID][]byte{}}, writes: map[exchange.ShopID]int{}}
		w.start(0, nil, nil)
		w.start(1, func(c *p2p.Config) { c.Book = kept }, nil)
		var last []byte
		learn := func(from, to uint64) {
			for seq := from; seq < to; seq++ {
				last = w.addressRecord(2, seq)
				if err := w.nodes[1].LearnAddresses(last); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		learn(1, 2)
		if times, got := kept.written(w.ids[2]); times != 1 || got != string(last) {
			t.Errorf("the first is written at once: %d times", times)
		}
		learn(2, 100)
		if times, _ := kept.written(w.ids[2]); times > 2 {
			t.Errorf("written %d times", times)
		}
		time.Sleep(time.Minute)
		if times, got := kept.written(w.ids[2]); times > 3 || got != string(last) {
			t.Errorf("written %d times; the last: %v", times, got == string(last))
		}
		learn(100, 110)
		w.stop(1)
		if _, got := kept.written(w.ids[2]); got != string(last) {
			t.Error("the last is not written when the node closes")
		}
	})
}
