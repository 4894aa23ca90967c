package p2p

import (
	"encoding/binary"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// bookEntry is what an AddressBook keeps of a member. Its bytes are the signed record alone, as every
// version reads them, or
//
//	0x00 ‖ uvarint n ‖ record (n bytes) ‖ uvarint count ‖ count × (uvarint m ‖ multiaddr (m bytes))
//
// with the member's addresses in private networks. A record, a protobuf message, never begins with 0.
type bookEntry struct {
	seq    uint64 // of the record
	record []byte
	near   []ma.Multiaddr // as the member's hello told them: at most maxNear
}

func (e bookEntry) encode() []byte {
	if len(e.near) == 0 {
		return e.record
	}
	return appendAddresses(appendBytes([]byte{0}, e.record), e.near)
}

func parseBookEntry(b []byte) (bookEntry, error) {
	if len(b) == 0 || b[0] != 0 {
		return bookEntry{record: b}, nil
	}
	c := cursor(b[1:])
	record, err := c.bytes(MaxRecord)
	if err != nil {
		return bookEntry{}, err
	}
	near, err := c.addresses(maxNear)
	return bookEntry{record: record, near: near}, err
}

// ownEntry is what an AddressBook keeps of the node itself: the addresses at which it was reached. Its
// bytes are
//
//	0x01 ‖ prover (32 bytes) ‖ time (8 bytes, Unix seconds) ‖ uvarint count ‖ count × (uvarint m ‖ multiaddr (m bytes))
//
// A program of a version before takes them for a record that does not verify, and goes on without.
type ownEntry struct {
	by     exchange.ShopID
	at     time.Time
	proven []ma.Multiaddr // at most maxProbeAddrs; none = no entry
}

func (e ownEntry) encode() []byte {
	if len(e.proven) == 0 {
		return nil
	}
	b := append([]byte{1}, e.by[:]...)
	return appendAddresses(binary.BigEndian.AppendUint64(b, uint64(e.at.Unix())), e.proven)
}

func parseOwnEntry(b []byte) (e ownEntry, err error) {
	if len(b) == 0 || b[0] != 1 {
		return e, errFrame
	}
	c := cursor(b[1:])
	by, err := c.take(len(e.by))
	if err != nil {
		return e, err
	}
	copy(e.by[:], by)
	at, err := c.take(8)
	if err != nil {
		return e, err
	}
	e.at = time.Unix(int64(binary.BigEndian.Uint64(at)), 0)
	e.proven, err = c.addresses(maxProbeAddrs)
	return e, err
}
