package p2p_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// TestGossipReachesEveryone publishes a burst from each of 20 shops.
func TestGossipReachesEveryone(t *testing.T) {
	const shops, each = 20, 3
	inTown(t, shops+1, func(t *testing.T, w *town) {
		var heard sync.Map
		var topics []*p2p.Topic
		for i := range w.nodes {
			topic, err := w.start(i, nil, nil).Topic("news", p2p.TopicOptions{})
			if err != nil {
				t.Fatal(err)
			}
			topics = append(topics, topic)
			count := new(atomic.Int64)
			heard.Store(i, count)
			go func() {
				for {
					if _, err := topic.Next(context.Background()); err != nil {
						return
					}
					count.Add(1)
				}
			}()
		}
		time.Sleep(10 * time.Second)
		for m := range each {
			for i, topic := range topics[1:] {
				if err := topic.Publish(context.Background(), fmt.Appendf(nil, "%d/%d", i, m)); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.wait(30*time.Second, "everybody heard everything", func() bool {
			all := true
			heard.Range(func(i, c any) bool {
				want := int64((shops - 1) * each)
				if i == 0 {
					want = shops * each
				}
				all = all && c.(*atomic.Int64).Load() == want
				return all
			})
			return all
		})
		for _, topic := range topics {
			topic.Close()
		}
	})
}

func TestTopicRules(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		judged := atomic.Int64{}
		opts := func(loose bool) p2p.TopicOptions {
			o := p2p.TopicOptions{MaxMessage: 100}
			if !loose {
				o.Author = &w.ids[1]
				o.Validate = func(from exchange.ShopID, data []byte) p2p.Verdict {
					judged.Add(1)
					if string(data) == "bad" {
						return p2p.Reject
					}
					return p2p.Accept
				}
			}
			return o
		}
		w.all()
		var topics [3]*p2p.Topic
		for i, n := range w.nodes {
			var err error
			if topics[i], err = n.Topic("feed/1", opts(i == 2)); err != nil { // shop 2 does not keep the rules
				t.Fatal(err)
			}
			defer topics[i].Close()
		}
		if _, err := w.nodes[1].Topic("feed/1", opts(false)); exchange.CodeOf(err) != exchange.CodeState {
			t.Fatalf("joined twice: %v", err)
		}
		time.Sleep(5 * time.Second)
		ctx := context.Background()
		for _, c := range []struct {
			by   int
			data string
			want exchange.Code
		}{
			{1, string(make([]byte, 101)), exchange.CodeLimit},
			{0, "not the author", exchange.CodeInvalid},
			{1, "bad", exchange.CodeUnavailable},
			{2, "forged", exchange.CodeOK}, // others drop it
			{1, "good", exchange.CodeOK},
		} {
			if err := topics[c.by].Publish(ctx, []byte(c.data)); exchange.CodeOf(err) != c.want {
				t.Fatalf("%.20q by %d: %v", c.data, c.by, err)
			}
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		m, err := topics[0].Next(ctx)
		if err != nil || m.From != w.ids[1] || string(m.Data) != "good" {
			t.Fatalf("heard %q of %s, %v", m.Data, m.From, err)
		}
		if m, err = topics[0].Next(ctx); err == nil {
			t.Fatalf("heard %q of %s too", m.Data, m.From)
		}
		if _, err := w.nodes[1].Topic("no spaces", p2p.TopicOptions{}); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Fatalf("bad name: %v", err)
		}
	})
}

// TestFlood lets one member publish far beyond its rate: others are heard.
func TestFlood(t *testing.T) {
	inTown(t, 4, func(t *testing.T, w *town) {
		w.all()
		var topics []*p2p.Topic
		for _, n := range w.nodes {
			topic, err := n.Topic("news", p2p.TopicOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer topic.Close()
			topics = append(topics, topic)
		}
		time.Sleep(5 * time.Second)
		const flood = 2_800
		for range flood {
			if err := topics[1].Publish(context.Background(), []byte("spam")); err != nil {
				t.Fatal(err)
			}
		}
		if err := topics[2].Publish(context.Background(), []byte("news")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		spam, news := 0, 0
		for {
			m, err := topics[3].Next(ctx)
			if err != nil {
				break
			}
			if m.From == w.ids[2] {
				news++
			} else {
				spam++
			}
		}
		if news != 1 || spam > 2_500 {
			t.Fatalf("heard %d of the news and %d of %d spam", news, spam, flood)
		}
	})
}
