package p2p_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

func TestRequestsBetweenMembers(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.all()
		if !w.connected(1, 0) || !w.connected(2, 0) {
			t.Fatal("shops are not connected to the hub")
		}
		w.mustEcho(1, 0)
		w.mustEcho(1, 2) // nothing known of each other: found in the DHT
		w.mustEcho(2, 1)
		w.wait(time.Second, "both see each other", func() bool { return w.connected(1, 2) && w.connected(2, 1) })
	})
}

// TestPipelining holds a slow request while many others overtake it.
func TestPipelining(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		release := make(chan struct{})
		w.start(0, nil, func(n *p2p.Node) {
			n.Handle("work", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
				if string(req) == "slow" {
					<-release
				}
				return req, nil
			})
		})
		w.start(1, nil, nil)
		slow := make(chan error, 1)
		go func() {
			_, err := w.nodes[1].Request(context.Background(), w.ids[0], "work", []byte("slow"))
			slow <- err
		}()
		var wg sync.WaitGroup
		for i := range 4 * p2p.MaxInFlight {
			wg.Go(func() {
				want := fmt.Sprintf("%d%s", i, strings.Repeat(".", i*17%9000))
				got, err := w.nodes[1].Request(context.Background(), w.ids[0], "work", []byte(want))
				if err != nil || string(got) != want {
					t.Errorf("request %d: %d bytes, %v", i, len(got), err)
				}
			})
		}
		wg.Wait()
		select {
		case err := <-slow:
			t.Fatalf("the slow request ended early: %v", err)
		default:
		}
		close(release)
		if err := <-slow; err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnswersAndUnknownOutcomes(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		w.start(0, nil, func(n *p2p.Node) {
			n.Handle("fail", func(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
				switch string(req) {
				case "typed":
					return nil, exchange.Errorf(exchange.CodeInsufficient, "only 1 of SKU-7 is left")
				case "newer":
					return nil, exchange.Errorf(4000|exchange.RetryBit, "of a newer version")
				case "not UTF-8":
					return nil, exchange.Errorf(exchange.CodeInvalid, "row \xff")
				case "plain":
					return nil, errors.New("secret path /var/x")
				case "large":
					return make([]byte, p2p.MaxMessage+1), nil
				case "limit":
					return make([]byte, p2p.MaxMessage), nil
				}
				<-ctx.Done()
				return nil, ctx.Err()
			})
		})
		n := w.start(1, nil, nil)
		ask := func(what string) ([]byte, error) {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			return n.Request(ctx, w.ids[0], "fail", []byte(what))
		}
		_, err := ask("typed")
		if exchange.CodeOf(err) != exchange.CodeInsufficient || !p2p.IsAnswer(err) || err.Error() != "only 1 of SKU-7 is left" {
			t.Fatalf("typed: %v", err)
		}
		_, err = ask("newer")
		if code := exchange.CodeOf(err); code != 4000|exchange.RetryBit || !code.Retry() || !p2p.IsAnswer(err) {
			t.Fatalf("newer: %v (%v)", err, code)
		}
		_, err = ask("not UTF-8")
		if exchange.CodeOf(err) != exchange.CodeInvalid || !p2p.IsAnswer(err) || err.Error() != "row \uFFFD" {
			t.Fatalf("not UTF-8: %v", err)
		}
		_, err = ask("plain")
		if exchange.CodeOf(err) != exchange.CodeInternal || !p2p.IsAnswer(err) || strings.Contains(err.Error(), "secret") {
			t.Fatalf("plain: %v", err)
		}
		if _, err = ask("large"); exchange.CodeOf(err) != exchange.CodeLimit || !p2p.IsAnswer(err) {
			t.Fatalf("large: %v", err)
		}
		if b, err := ask("limit"); err != nil || len(b) != p2p.MaxMessage {
			t.Fatalf("limit: %d bytes, %v", len(b), err)
		}
		if _, err = ask("hang"); exchange.CodeOf(err) != exchange.CodeUnavailable || p2p.IsAnswer(err) {
			t.Fatalf("hang: %v", err)
		}
		_, err = n.Request(context.Background(), w.ids[0], "fail", make([]byte, p2p.MaxMessage+1))
		if exchange.CodeOf(err) != exchange.CodeLimit || p2p.IsAnswer(err) {
			t.Fatalf("oversize request: %v", err)
		}
		if _, err = n.Request(context.Background(), w.ids[0], "nothing", nil); exchange.CodeOf(err) != exchange.CodeUnavailable || p2p.IsAnswer(err) {
			t.Fatalf("unknown protocol: %v", err)
		}
		_, stranger := newKey(t)
		if _, err = n.Request(context.Background(), stranger, "fail", nil); exchange.CodeOf(err) != exchange.CodeNotMember {
			t.Fatalf("stranger: %v", err)
		}
		if w.members.knocks(stranger) == 0 {
			t.Fatal("the directory was not told of an unknown shop that is wanted")
		}
		if _, err = n.Request(context.Background(), w.ids[1], "fail", nil); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Fatalf("self: %v", err)
		}
	})
}

func TestBulkStreams(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		const pieces = 64
		piece := bytes.Repeat([]byte("p"), 64<<10)
		held := make(chan struct{})
		w.start(0, nil, func(n *p2p.Node) {
			n.HandleStream("pull", func(_ context.Context, _ exchange.ShopID, s *p2p.Stream) error {
				want, err := s.Receive()
				switch {
				case err != nil:
					return err
				case string(want) == "refused":
					return exchange.Errorf(exchange.CodeNoPartnership, "no partnership with you")
				case string(want) == "held":
					<-held
					return nil
				}
				for range pieces {
					if err := s.Send(piece); err != nil {
						return err
					}
				}
				return nil
			})
		})
		n := w.start(1, nil, nil)
		open := func(what string) *p2p.Stream {
			s, err := n.OpenStream(context.Background(), w.ids[0], "pull")
			if err == nil {
				if err = s.Send([]byte(what)); err == nil {
					err = s.CloseWrite()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open("all")
		for i := range pieces {
			if b, err := s.Receive(); err != nil || !bytes.Equal(b, piece) {
				t.Fatalf("piece %d: %d bytes, %v", i, len(b), err)
			}
		}
		if _, err := s.Receive(); err != io.EOF {
			t.Fatalf("after the last piece: %v", err)
		}
		_ = s.Close()

		s = open("refused")
		if _, err := s.Receive(); exchange.CodeOf(err) != exchange.CodeNoPartnership || !p2p.IsAnswer(err) {
			t.Fatalf("refused: %v", err)
		}
		_ = s.Close()
		if err := s.Send(make([]byte, p2p.MaxMessage+1)); exchange.CodeOf(err) != exchange.CodeLimit {
			t.Fatalf("oversize piece: %v", err)
		}

		var streams []*p2p.Stream
		for range p2p.MaxBulkStreams {
			streams = append(streams, open("held"))
		}
		time.Sleep(time.Second)
		s = open("held")
		if _, err := s.Receive(); exchange.CodeOf(err) != exchange.CodeLimit || !p2p.IsAnswer(err) {
			t.Fatalf("one stream too many: %v", err)
		}
		_ = s.Close()
		close(held)
		for _, s := range streams {
			if _, err := s.Receive(); err != io.EOF {
				t.Fatal(err)
			}
			_ = s.Close()
		}
	})
}

// TestOrderedStop finds a request in hand answered although its server stops.
func TestOrderedStop(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		begun := make(chan struct{})
		w.start(0, nil, func(n *p2p.Node) {
			n.Handle("commit", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
				close(begun)
				time.Sleep(2 * time.Second) // virtual: a slow disk
				return []byte("committed"), nil
			})
		})
		w.start(1, nil, nil)
		got := make(chan string, 1)
		go func() {
			reply, err := w.nodes[1].Request(context.Background(), w.ids[0], "commit", nil)
			got <- fmt.Sprint(string(reply), err)
		}()
		<-begun
		w.stop(0)
		if r := <-got; r != "committed<nil>" {
			t.Fatal(r)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	key, _ := newKey(t)
	good := p2p.Config{Key: key, Federation: federation, Members: newList()}
	if _, err := p2p.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*p2p.Config){
		"key":        func(c *p2p.Config) { c.Key = key[:5] },
		"federation": func(c *p2p.Config) { c.Federation = "a/b" },
		"no name":    func(c *p2p.Config) { c.Federation = "" },
		"members":    func(c *p2p.Config) { c.Members = nil },
		"listen":     func(c *p2p.Config) { c.Listen = []string{"127.0.0.1:80"} },
		"announce":   func(c *p2p.Config) { c.Announce = []string{"shop.example"} },
		"hub":        func(c *p2p.Config) { c.Hubs = []string{"/ip4/127.0.0.1/tcp/1"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			spoil(&c)
			if _, err := p2p.New(c); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Error(err)
			}
		})
	}
}
