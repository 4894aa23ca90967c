package p2p

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"
)

// TestOpenings: what a connection begins with, and whom it is for.
func TestOpenings(t *testing.T) {
	for name, c := range map[string]struct {
		first string
		want  audience
	}{
		"a shop that joins":         {joinOpening + "noise handshake", forOpen},
		"a member":                  {multistreamLine + "\x07/noise\n" + "noise handshake", forClosed},
		"TLS in multistream":        {multistreamLine + "\x0b/tls/1.0.0\n", forClosed},
		"a join of another version": {multistreamLine + "\x13/souk/join/noise2\n", forClosed},
		"nothing":                   {"", undecided},
		"half a line":               {multistreamLine[:9], undecided},
		"half a proposal":           {joinOpening[:30], undecided},
		"a browser":                 {"GET / HTTP/1.1\r\nHost: hub.example\r\n\r\n", stranger},
		"a browser that wants TLS":  {"\x16\x03\x01\x02\x00\x01\x00", stranger},
		"SSH":                       {"SSH-2.0-OpenSSH_9.6\r\n", stranger},
		"a later multistream":       {"\x13/multistream/2.0.0\n", stranger},
		"zeros":                     {"\x00\x00\x00\x00", stranger},
	} {
		t.Run(name, func(t *testing.T) {
			for chunks, r := range map[string]io.Reader{
				"at once": strings.NewReader(c.first), "byte by byte": iotest.OneByteReader(strings.NewReader(c.first)),
				"with the end": iotest.DataErrReader(strings.NewReader(c.first)), "by halves": iotest.HalfReader(strings.NewReader(c.first)),
			} {
				first, got := readOpening(r)
				if got != c.want || !strings.HasPrefix(c.first, string(first)) {
					t.Errorf("%s: %d after %q, want %d", chunks, got, first, c.want)
				}
			}
		})
	}
}

// FuzzOpening: the judgement is multistream's own, it does not depend on how the bytes arrive, and the
// host gets every byte.
func FuzzOpening(f *testing.F) {
	f.Add([]byte(joinOpening+"handshake"), uint8(3))
	f.Add([]byte(multistreamLine+"\x07/noise\nhandshake"), uint8(20))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, sent []byte, size uint8) {
		r := bytes.NewReader(sent)
		first, who := readOpening(&chunked{r, int(size)%8 + 1})
		if len(first) > len(joinOpening) {
			t.Fatalf("%d bytes were read", len(first))
		}
		if _, whole := readOpening(bytes.NewReader(sent)); who != whole {
			t.Fatalf("in pieces %d, at once %d", who, whole)
		}
		lines := bufio.NewReader(bytes.NewReader(sent))
		header, err1 := multistream.ReadNextToken[string](lines)
		proposal, err2 := multistream.ReadNextToken[string](lines)
		speaks := err1 == nil && header == multistream.ProtocolID && sent[0] == multistreamLine[0]
		if join := speaks && err2 == nil && proposal == string(joinNoise); join && who == forClosed || who == forOpen && !join {
			t.Fatalf("%q, %q: %d", header, proposal, who)
		}
		if speaks && who == stranger || !speaks && (who == forOpen || who == forClosed) {
			t.Fatalf("%q: %d", header, who)
		}
		all, err := io.ReadAll(&opened{Conn: restOf{r: r}, first: first})
		if err != nil || !bytes.Equal(all, sent) {
			t.Fatalf("the host got %q of %q, %v", all, sent, err)
		}
		looksLikeHTTP(first)
	})
}

type chunked struct {
	r    io.Reader
	size int
}

func (c *chunked) Read(b []byte) (int, error) { return c.r.Read(b[:min(len(b), c.size)]) }

type restOf struct {
	manet.Conn
	r io.Reader
}

func (c restOf) Read(b []byte) (int, error) { return c.r.Read(b) }

// TestWaitingRoom: an address, and all together, have so many places, and the one that waited longest
// leaves first.
func TestWaitingRoom(t *testing.T) {
	var r waitingRoom
	arrive := func(ip string) *visitor {
		v := &visitor{from: ip}
		v.place = r.enter(v)
		return v
	}
	quiet := arrive("192.0.2.1")
	var crowd []*visitor
	for range sharedWaitingPerIP + 1 {
		crowd = append(crowd, arrive("192.0.2.9"))
	}
	if quiet.closed || !crowd[0].closed || crowd[1].closed {
		t.Error("a crowd behind one address does not displace the longest of its own")
	}
	r.leave(crowd[0].place) // again: it was displaced
	r.leave(crowd[1].place)
	if arrive("192.0.2.9"); crowd[2].closed {
		t.Error("a place that was left is not free")
	}
	subscriber := arrive("2001:db8:1:100::1")
	for i := range sharedWaitingPerIP {
		arrive(net.IP{0x20, 1, 0xd, 0xb8, 0, 1, 1, byte(i), 15: byte(i)}.String())
	}
	if !subscriber.closed {
		t.Error("one subscriber of IPv6 has more places than one of IPv4")
	}
	for range sharedWaiting {
		arrive("127.0.0.1")
	}
	if !quiet.closed || len(r.waiting) != sharedWaiting {
		t.Errorf("%d wait", len(r.waiting))
	}
	last := arrive("192.0.2.2")
	r.close()
	if late := arrive("192.0.2.3"); !last.closed || !late.closed || len(r.waiting) != 0 {
		t.Error("a closed room has somebody in it")
	}
}

type visitor struct {
	net.Conn
	from   string
	closed bool
	place  *waiter
}

func (v *visitor) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(v.from), Port: 1} }
func (v *visitor) Close() error {
	if v.closed {
		return errors.New("closed already")
	}
	v.closed = true
	return nil
}
