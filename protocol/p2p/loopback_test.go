package p2p_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/time/rate"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// pair starts two members on this machine's loopback, over one transport, and connects them.
func pair(t testing.TB, listen string, reg prometheus.Registerer) (client *p2p.Node, server exchange.ShopID) {
	t.Helper()
	key0, id0 := newKey(t)
	key1, id1 := newKey(t)
	members := newList(id0, id1)
	ctx, cancel := context.WithCancel(context.Background())
	up := make(chan exchange.ShopID, 2)
	start := func(cfg p2p.Config) *p2p.Node {
		cfg.Federation, cfg.Members, cfg.Logger = federation, members, testLog()
		cfg.Listen = []string{listen}
		n, err := p2p.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		n.Handle("echo", func(_ context.Context, _ exchange.ShopID, req []byte) ([]byte, error) { return req, nil })
		n.HandleStream("zeros", func(_ context.Context, _ exchange.ShopID, s *p2p.Stream) error {
			req, err := s.Receive()
			if err != nil {
				return err
			}
			piece := make([]byte, 64<<10)
			for range binary.BigEndian.Uint32(req) {
				if err := s.Send(piece); err != nil {
					return err
				}
			}
			return nil
		})
		n.OnConnect(func(s exchange.ShopID) { up <- s })
		if _, bench := t.(*testing.B); bench {
			n.SetRequestRate(rate.Inf, 0)
		}
		if err := n.Start(ctx); err != nil {
			t.Fatal(err)
		}
		return n
	}
	hub := start(p2p.Config{Key: key0})
	shop := start(p2p.Config{Key: key1, Hubs: hub.Addresses()[:1], Registerer: reg})
	<-up
	<-up
	t.Cleanup(func() {
		cancel()
		shop.Close()
		hub.Close()
	})
	return shop, id0
}

var transports = map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"}

func TestRealTransports(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			shop, hub := pair(t, listen, reg)
			var wg sync.WaitGroup
			for i := range 1000 {
				wg.Go(func() {
					want := fmt.Sprint(i)
					if got, err := shop.Request(context.Background(), hub, "echo", []byte(want)); err != nil || string(got) != want {
						t.Errorf("%q, %v", got, err)
					}
				})
			}
			wg.Wait()
			report, err := shop.Dial(context.Background(), hub)
			if err != nil || report.Transport != name || !report.Direct || len(report.RTTs) != 3 {
				t.Fatalf("%+v, %v", report, err)
			}
			if peers := shop.Peers(); len(peers) != 1 || peers[0].Shop != hub || peers[0].Transport != name {
				t.Fatalf("%+v", peers)
			}
			checkMetrics(t, reg)
		})
	}
}

// TestDialsAtOnce: all who dial the same member at once get its round trips. They are fewer than
// maxProtocolPeerStreams, so that no ping is refused even where no stream is reset in time.
func TestDialsAtOnce(t *testing.T) {
	shop, hub := pair(t, transports["tcp"], nil)
	var people sync.WaitGroup
	for range 4 {
		people.Go(func() {
			for range 10 {
				if r, err := shop.Dial(context.Background(), hub); err != nil || len(r.RTTs) != 3 {
					t.Errorf("%+v, %v", r, err)
				}
			}
		})
	}
	people.Wait()
}

// checkMetrics looks for the metrics of this package, of libp2p and of its resource manager.
func checkMetrics(t *testing.T, reg *prometheus.Registry) {
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == "reach" }) {
				continue // the node's own
			}
			figures[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	if figures["souk_p2p_connected_members"] != 1 || figures["souk_p2p_requests_sent_total"] != 1000 || figures["libp2p_rcmgr_connections"] == 0 {
		t.Fatalf("figures: %v", figures)
	}
}

func TestOpenHost(t *testing.T) {
	key, _ := newKey(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	open, err := p2p.OpenServe(ctx, p2p.OpenConfig{
		Key: key, Federation: federation, Logger: testLog(),
		Listen: []string{transports["tcp"], transports["quic"]},
	}, "join", func(_ context.Context, from exchange.ShopID, req []byte) ([]byte, error) {
		if string(req) == "forged" {
			return nil, exchange.Errorf(exchange.CodeInvite, "this invite is forged")
		}
		return append([]byte("welcome, "), req...), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(cfg p2p.AskConfig, req string) ([]byte, error) { return p2p.Ask(ctx, cfg, "join", []byte(req)) }
	here := p2p.AskConfig{Addrs: open.Addresses(), Federation: federation}
	for _, addr := range open.Addresses() {
		if got, err := ask(p2p.AskConfig{Addrs: []string{addr}, Federation: federation}, "acorn"); err != nil || string(got) != "welcome, acorn" {
			t.Fatalf("%s: %q, %v", addr, got, err)
		}
	}
	if _, err = ask(here, "forged"); exchange.CodeOf(err) != exchange.CodeInvite || !p2p.IsAnswer(err) {
		t.Fatalf("forged: %v", err)
	}
	if _, err = ask(p2p.AskConfig{Addrs: here.Addrs, Federation: "other"}, "x"); exchange.CodeOf(err) != exchange.CodeUnavailable || p2p.IsAnswer(err) {
		t.Fatalf("another federation: %v", err)
	}
	if _, err = ask(here, string(make([]byte, p2p.MaxOpenRequest+1))); exchange.CodeOf(err) != exchange.CodeLimit {
		t.Fatalf("oversize: %v", err)
	}
	_, other := newKey(t)
	impostor := open.Addresses()[0][:len(open.Addresses()[0])-52] + other.String()
	if _, err = ask(p2p.AskConfig{Addrs: []string{impostor}, Federation: federation}, "x"); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Fatalf("a host with another key: %v", err)
	}
	if _, err = ask(p2p.AskConfig{Federation: federation}, "x"); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Fatalf("no address: %v", err)
	}
}

// BenchmarkRequests measures requests a second with 256 in flight. Its floor, measured beside it, is a
// raw TCP echo of the same bytes with a write and a read for each.
func BenchmarkRequests(b *testing.B) {
	const inFlight, size = 256, 64
	run := func(b *testing.B, once func(worker int)) {
		var left atomic.Int64
		left.Store(int64(b.N))
		var wg sync.WaitGroup
		b.ReportAllocs()
		b.ResetTimer()
		for w := range inFlight {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					once(w)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	}
	b.Run("floor", func(b *testing.B) {
		conns := echoConns(b, inFlight)
		run(b, func(w int) {
			buf := make([]byte, size)
			if _, err := conns[w].Write(buf); err != nil {
				b.Error(err)
			}
			if _, err := io.ReadFull(conns[w], buf); err != nil {
				b.Error(err)
			}
		})
	})
	for name, listen := range transports {
		b.Run(name, func(b *testing.B) {
			shop, hub := pair(b, listen, nil)
			req := make([]byte, size)
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			run(b, func(int) {
				if _, err := shop.Request(ctx, hub, "echo", req); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkBulk measures bulk bytes a second over a stream, in pieces of 64 KiB.
func BenchmarkBulk(b *testing.B) {
	for name, listen := range transports {
		b.Run(name, func(b *testing.B) {
			shop, hub := pair(b, listen, nil)
			b.SetBytes(64 << 10)
			b.ResetTimer()
			s, err := shop.OpenStream(context.Background(), hub, "zeros")
			if err == nil {
				_ = s.Send(binary.BigEndian.AppendUint32(nil, uint32(b.N)))
				err = s.CloseWrite()
			}
			for err == nil {
				_, err = s.Receive()
			}
			if err != io.EOF {
				b.Fatal(err)
			}
			_ = s.Close()
		})
	}
}

func echoConns(b *testing.B, count int) []net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	b.Cleanup(func() { _ = l.Close() })
	conns := make([]net.Conn, count)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conns[i].Close() })
	}
	return conns
}
