package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/merkle"
)

// Field numbers of message Sealed. Every hold and every entry passes here, on
// both sides, so these five fields are written and read by hand, without
// copies; a test holds them against the generated message.
const (
	sealedLeaf      = 1
	sealedIndex     = 2
	sealedSize      = 3
	sealedPath      = 4
	sealedSignature = 5
)

// sealed is a leaf with what proves it. Its slices alias the parsed bytes.
type sealed struct {
	leaf      []byte // salt ‖ payload
	index     uint64
	size      uint64
	path      []byte // 32 bytes a node, from the leaf upwards
	signature []byte
}

func (s *sealed) payload() []byte { return s.leaf[saltSize:len(s.leaf):len(s.leaf)] }

func (s *sealed) append(b []byte) []byte {
	b = appendBytes(b, sealedLeaf, s.leaf)
	b = appendUint(b, sealedIndex, s.index)
	b = appendUint(b, sealedSize, s.size)
	b = appendBytes(b, sealedPath, s.path)
	return appendBytes(b, sealedSignature, s.signature)
}

// length is a bound on how long append's result is.
func (s *sealed) length() int {
	return len(s.leaf) + len(s.path) + len(s.signature) + 3*tag + 2*number
}

// Absent and empty are the same in protobuf: neither is written.
func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendUint(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

// parseSealed reads an encoded Sealed and checks its form: everything but the
// signature. Fields it does not know are skipped.
func parseSealed(b []byte) (sealed, error) {
	var s sealed
	if len(b) > maxSealed {
		return s, exchange.Errorf(exchange.CodeInvalid, "a seal has %d bytes; %d are allowed", len(b), maxSealed)
	}
	for len(b) > 0 {
		n := s.field(b)
		if n < 0 {
			return s, exchange.Errorf(exchange.CodeInvalid, "the seal is malformed: %w", protowire.ParseError(n))
		}
		b = b[n:]
	}
	return s, s.check()
}

// field reads one field from the front of b and returns its length, or the
// negative code of a protowire.ParseError.
func (s *sealed) field(b []byte) int {
	num, typ, head := protowire.ConsumeTag(b)
	if head < 0 {
		return head
	}
	b = b[head:]
	var n int
	switch {
	case num == sealedLeaf && typ == protowire.BytesType:
		s.leaf, n = protowire.ConsumeBytes(b)
	case num == sealedIndex && typ == protowire.VarintType:
		s.index, n = protowire.ConsumeVarint(b)
	case num == sealedSize && typ == protowire.VarintType:
		s.size, n = protowire.ConsumeVarint(b)
	case num == sealedPath && typ == protowire.BytesType:
		s.path, n = protowire.ConsumeBytes(b)
	case num == sealedSignature && typ == protowire.BytesType:
		s.signature, n = protowire.ConsumeBytes(b)
	default:
		n = protowire.ConsumeFieldValue(num, typ, b)
	}
	if n < 0 {
		return n
	}
	return head + n
}

func (s *sealed) check() error {
	switch {
	case len(s.leaf) <= saltSize:
		return exchange.Errorf(exchange.CodeInvalid, "the seal's leaf is empty")
	case len(s.signature) != ed25519.SignatureSize:
		return exchange.Errorf(exchange.CodeInvalid, "the seal's signature has %d bytes, not %d", len(s.signature), ed25519.SignatureSize)
	case len(s.path) > maxPath || len(s.path)%sha256.Size != 0:
		return exchange.Errorf(exchange.CodeInvalid, "the seal's path has %d bytes", len(s.path))
	}
	return nil
}

// root is the root of the tree that the leaf stands in, by its path.
func (s *sealed) root() (merkle.Hash, error) {
	var nodes [merkle.MaxPath]merkle.Hash
	n := len(s.path) / sha256.Size
	for i := range n {
		copy(nodes[i][:], s.path[i*sha256.Size:])
	}
	root, ok := merkle.RootFromPath(merkle.Leaf(s.leaf), s.index, s.size, nodes[:n])
	if !ok {
		return root, exchange.Errorf(exchange.CodeSignature, "the seal's path does not fit leaf %d of %d", s.index, s.size)
	}
	return root, nil
}

// Peek returns a sealed leaf's payload without checking anything but its form:
// for leaves that were verified before they were stored. The payload aliases b.
func Peek(b []byte) ([]byte, error) {
	s, err := parseSealed(b)
	if err != nil {
		return nil, err
	}
	return s.payload(), nil
}
