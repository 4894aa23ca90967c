package p2p

import (
	"encoding/binary"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// The reach protocol has four requests, all from a member to a hub or another member. doc.go has
// their layout.
const (
	reachName = "reach"

	askProbe   = 1 // dial me at these addresses
	askRelays  = 2 // who relays for members?
	tellRelays = 4 // this one relays, too
	askOnline  = 3 // who is connected to you? see online.go
)

// probeResult is what a dial from outside found at one address.
type probeResult struct {
	reached bool
	why     string // of one not reached, for a person
}

func appendProbe(dst []byte, addrs []ma.Multiaddr) []byte {
	return appendAddresses(append(dst, askProbe), addrs)
}

// parseProbe reads the addresses after a request's kind.
func parseProbe(b []byte) ([]ma.Multiaddr, error) {
	c := cursor(b)
	return c.addresses(maxProbeAddrs)
}

func appendProbeReply(dst []byte, results []probeResult) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(results)))
	for _, r := range results {
		reached := byte(0)
		if r.reached {
			reached = 1
		}
		dst = appendBytes(append(dst, reached), []byte(exchange.Clip(r.why, MaxErrorText)))
	}
	return dst
}

func parseProbeReply(b []byte) ([]probeResult, error) {
	c := cursor(b)
	count, err := c.uvarint()
	if err != nil || count > maxProbeAddrs {
		return nil, errFrame
	}
	var results []probeResult
	for range count {
		reached, err := c.take(1)
		if err != nil {
			return nil, err
		}
		why, err := c.bytes(MaxErrorText)
		if err != nil {
			return nil, err
		}
		results = append(results, probeResult{reached: reached[0] == 1, why: exchange.Clip(string(why), MaxErrorText)})
	}
	return results, nil
}

func appendRelays(dst []byte, records [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(records)))
	for _, r := range records {
		dst = appendBytes(dst, r)
	}
	return dst
}

func parseRelays(b []byte) ([][]byte, error) {
	c := cursor(b)
	count, err := c.uvarint()
	if err != nil || count > maxToldRelays {
		return nil, errFrame
	}
	var records [][]byte
	for range count {
		r, err := c.bytes(MaxRecord)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}
