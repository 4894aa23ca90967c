package p2p_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/souk-market/souk/protocol/p2p"
)

// helloBytes is a hello written down by hand from doc.go. The frame has 22 bytes, id 0 and kind 5.
// The header has 11 bytes: one version, 1, the incarnation 0102030405060708 and no record. The
// application's bytes are "hi there".
var helloBytes, _ = hex.DecodeString("16" + "00" + "05" + "0b" + "0101" + "0102030405060708" + "00" + hex.EncodeToString([]byte("hi there")))

func openProtocol(h host.Host, w *town, n *p2p.Node, name string) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	info, err := h.NewStream(ctx, infoOf(w.t, n).ID, protocol.ID("/souk/"+federation+"/"+name+"/1"))
	return info, err
}

// TestWireFormat speaks hello and a request byte by byte, as doc.go has them.
func TestWireFormat(t *testing.T) {
	inTown(t, 2, func(t *testing.T, w *town) {
		heard := &notes{say: "welcome"}
		hub := w.start(0, func(c *p2p.Config) { c.Hellos = heard }, nil)
		h := handMadeMember(t, w, hub)
		defer h.Close()
		if heard.all() != "[hi there]" {
			t.Fatalf("the hub heard %s", heard.all())
		}
		s, err := openProtocol(h, w, hub, "echo")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte{5, 7, 1, 'a', 'b', 'c'}); err != nil {
			t.Fatal(err)
		}
		_ = s.CloseWrite()
		reply, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(reply, []byte{5, 7, 2, 'a', 'b', 'c'}) {
			t.Fatalf("%x, %v", reply, err)
		}
	})
}

// handMadeMember is a bare host with the key of shop 1 that said hello to n.
func handMadeMember(t *testing.T, w *town, n *p2p.Node) host.Host {
	t.Helper()
	h := bareHost(t, w, 1, w.keys[1])
	if err := h.Connect(context.Background(), infoOf(t, n)); err != nil {
		t.Fatal(err)
	}
	s, err := openProtocol(h, w, n, "hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(helloBytes); err != nil {
		t.Fatal(err)
	}
	reply, err := io.ReadAll(s)
	if err != nil || len(reply) < 3 || !bytes.Contains(reply[:5], []byte{0, 5}) {
		t.Fatalf("the answer to a hello: %x, %v", reply, err)
	}
	return h
}

// TestFault22Streams lets a member open streams without end, promise huge frames
// and dawdle: what it gets is bounded, and others are served meanwhile.
func TestFault22Streams(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		hub := w.start(0, nil, nil)
		w.start(2, nil, nil)
		h := handMadeMember(t, w, hub)
		defer h.Close()

		for name, b := range map[string][]byte{
			"4 GiB length":     {0x80, 0x80, 0x80, 0x80, 0x10, 1, 1},
			"endless uvarint":  bytes.Repeat([]byte{0xff}, 11),
			"a reply":          {3, 1, 2, 'x'},
			"request id 0":     {3, 0, 1, 'x'},
			"unknown kind":     {3, 1, 99, 'x'},
			"two bytes of ten": {10, 1},
		} {
			s, err := openProtocol(h, w, hub, "echo")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Write(b); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if n, err := s.Read(make([]byte, 1)); err == nil {
				t.Fatalf("%s: %d bytes of an answer", name, n)
			}
			if took := time.Since(begun); took > p2p.FrameTimeout+time.Second {
				t.Fatalf("%s: dropped after %v", name, took)
			}
		}

		before := memory()
		var dawdlers []network.Stream
		for i := range 10_000 {
			s, err := openProtocol(h, w, hub, "echo")
			if err != nil {
				continue
			}
			_, _ = s.Write([]byte{10, 1})
			dawdlers = append(dawdlers, s)
			if i%1000 == 0 {
				w.mustEcho(2, 0)
			}
		}
		open := 0
		for _, s := range dawdlers { // an open one has nothing to read yet, the others were reset
			_ = s.SetReadDeadline(time.Now().Add(time.Millisecond))
			var timeout net.Error
			if _, err := s.Read(make([]byte, 1)); errors.As(err, &timeout) && timeout.Timeout() {
				open++
			}
		}
		if open == 0 || open > 64 {
			t.Fatalf("%d of %d streams to one protocol stay open", open, len(dawdlers))
		}
		// 64 streams, with a buffer of 64 KiB and two goroutines each, take 6 MiB. The member that opened
		// the streams is in this process, too.
		if grown := memory() - before; grown > 64<<20 {
			t.Errorf("10,000 streams cost %d MiB", grown>>20)
		}
		w.mustEcho(2, 0)
		time.Sleep(2 * p2p.FrameTimeout) // dawdlers are dropped
		w.mustEcho(2, 0)
	})
}

// memory is what the process uses after a collection, bytes.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TestRequestsHaveARate: a partner that asks without end is served at its rate, and nobody waits for it.
func TestRequestsHaveARate(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		const perSecond, burst, asked = 100, 200, 500
		w.start(0, nil, func(n *p2p.Node) { n.SetRequestRate(perSecond, burst) })
		w.start(1, nil, nil)
		w.start(2, nil, nil)
		time.Sleep(5 * time.Second)
		begun := time.Now()
		var work sync.WaitGroup
		for range asked {
			work.Go(func() { w.mustEcho(1, 0) })
		}
		time.Sleep(time.Second)
		other := time.Now()
		w.mustEcho(2, 0)
		if took := time.Since(other); took > 100*time.Millisecond {
			t.Errorf("another partner is answered after %v", took)
		}
		work.Wait()
		if took := time.Since(begun); took < 2900*time.Millisecond {
			t.Errorf("%d requests were served in %v", asked, took)
		}
	})
}
