package p2p

import (
	"context"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	msmux "github.com/multiformats/go-multistream"
)

// openOn opens a stream on one connection. A host's NewStream chooses the connection, and prefers an
// older direct one even where that has died; a hello, a ping and a request must go over the connection
// that they are for. The other side must speak the protocol: what it says of that comes with the first
// read.
func (st *streams) openOn(ctx context.Context, c network.Conn, id protocol.ID) (network.Stream, error) {
	s, err := c.NewStream(network.WithAllowLimitedConn(ctx, "souk"))
	if err != nil {
		return nil, err
	}
	if err := s.SetProtocol(id); err != nil {
		_ = s.Reset()
		return nil, err
	}
	return &agreedStream{Stream: s, rw: msmux.NewMSSelect(s, id)}, nil
}

// agreedStream is a stream whose first write and first read agree on the protocol.
type agreedStream struct {
	network.Stream
	rw msmux.LazyConn
}

func (s *agreedStream) Read(b []byte) (int, error)  { return s.rw.Read(b) }
func (s *agreedStream) Write(b []byte) (int, error) { return s.rw.Write(b) }

// Close reads the other side's agreement first, at most openTimeout.
func (s *agreedStream) Close() error {
	_ = s.SetReadDeadline(time.Now().Add(openTimeout))
	return s.rw.Close()
}

// CloseWrite sends the proposal of a protocol, if nothing was written yet.
func (s *agreedStream) CloseWrite() error {
	if f, ok := s.rw.(interface{ Flush() error }); ok {
		_ = f.Flush()
	}
	return s.Stream.CloseWrite()
}

var _ io.ReadWriteCloser = (*agreedStream)(nil)
