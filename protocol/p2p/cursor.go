package p2p

import (
	"encoding/binary"

	ma "github.com/multiformats/go-multiaddr"
)

// cursor reads untrusted bytes from the front. Its slices point into the bytes read.
type cursor []byte

func (c *cursor) uvarint() (uint64, error) {
	v, n := binary.Uvarint(*c)
	if n <= 0 {
		return 0, errFrame
	}
	*c = (*c)[n:]
	return v, nil
}

// take reads n bytes.
func (c *cursor) take(n int) ([]byte, error) {
	if n > len(*c) {
		return nil, errFrame
	}
	b := (*c)[:n:n]
	*c = (*c)[n:]
	return b, nil
}

// bytes reads a length of at most limit, and as many bytes.
func (c *cursor) bytes(limit int) ([]byte, error) {
	n, err := c.uvarint()
	if err != nil || n > uint64(limit) {
		return nil, errFrame
	}
	return c.take(int(n))
}

// addresses reads a count of at most limit, and as many multiaddrs, each after its length. A text that
// is no multiaddr of this program's libp2p is left out: a later one may know more protocols.
func (c *cursor) addresses(limit int) ([]ma.Multiaddr, error) {
	count, err := c.uvarint()
	if err != nil || count > uint64(limit) {
		return nil, errFrame
	}
	var addrs []ma.Multiaddr
	for range count {
		b, err := c.bytes(maxAddress)
		if err != nil {
			return nil, err
		}
		if a, err := ma.NewMultiaddrBytes(b); err == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs, nil
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendAddresses(dst []byte, addrs []ma.Multiaddr) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(addrs)))
	for _, a := range addrs {
		dst = appendBytes(dst, a.Bytes())
	}
	return dst
}
