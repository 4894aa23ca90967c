package membership

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/souk-market/souk/exchange"
)

// Bounds of a list.
const (
	// MaxEntries bounds the list. With MaxEntry it bounds the memory that a shop spends on a
	// checkpoint of any size, to about 1 GB. Only the hub's own key can cause that.
	MaxEntries = 1_000_000
	// MaxCheckpoint bounds a signed note, in bytes. It leaves room for twenty witnesses' lines
	// (≈ 170 bytes each) beside the log key's two.
	MaxCheckpoint = 4096
)

// Signature types of C2SP signed notes.
const (
	algEd25519     = 0x01
	algCosignature = 0x04
)

// Checkpoint is the log key's statement that at Time the whole list was these
// Size entries.
type Checkpoint struct {
	Size uint64
	Root tlog.Hash
	Time exchange.Time // whole seconds
	Note []byte        // the signed note, with the log key's two signatures
}

// logKey is the log key as package note wants it: as signer and verifier of one type of
// signature line (C2SP signed-note and tlog-cosignature).
type logKey struct {
	name    string
	alg     byte
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	at      uint64 // the time of new cosignatures, in seconds
}

func (k logKey) Name() string { return k.name }

// KeyHash is the first 32 bits of SHA-256(name ‖ "\n" ‖ type ‖ public key).
func (k logKey) KeyHash() uint32 {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%c", k.name, k.alg)
	h.Write(k.public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// cosigned is the message of a cosignature/v1: two header lines, then the note's text.
func cosigned(at uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

func (k logKey) Sign(text []byte) ([]byte, error) {
	if k.alg == algEd25519 {
		return ed25519.Sign(k.private, text), nil
	}
	sig := binary.BigEndian.AppendUint64(nil, k.at)
	return append(sig, ed25519.Sign(k.private, cosigned(k.at, text))...), nil
}

func (k logKey) Verify(text, sig []byte) bool {
	if k.alg == algEd25519 {
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.public, text, sig)
	}
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(k.public, cosigned(binary.BigEndian.Uint64(sig), text), sig[8:])
}

// SignCheckpoint signs the list's size and root, at a time that is truncated to seconds. key
// must be the private half of f's log key.
func SignCheckpoint(f Federation, key ed25519.PrivateKey, size uint64, root tlog.Hash, at exchange.Time) (Checkpoint, error) {
	if !f.LogKey.Equal(key.Public()) {
		return Checkpoint{}, exchange.Errorf(exchange.CodeInvalid, "this is not the log key of %q", f.Origin)
	}
	if err := checkTime(at); err != nil {
		return Checkpoint{}, err
	}
	seconds := uint64(at / 1000)
	text := fmt.Sprintf("%s\n%d\n%s\n", f.Origin, size, root)
	msg, err := note.Sign(&note.Note{Text: text},
		logKey{name: f.Origin, alg: algEd25519, public: f.LogKey, private: key},
		logKey{name: f.Origin, alg: algCosignature, public: f.LogKey, private: key, at: seconds})
	if err != nil {
		return Checkpoint{}, exchange.Errorf(exchange.CodeInternal, "the checkpoint cannot be signed: %w", err)
	}
	return OpenCheckpoint(f, msg)
}

// OpenCheckpoint reads and verifies a signed note. The note must carry both of the log key's
// signature lines; lines of other keys are dropped.
func OpenCheckpoint(f Federation, msg []byte) (Checkpoint, error) {
	if len(msg) > MaxCheckpoint {
		return Checkpoint{}, exchange.Errorf(exchange.CodeInvalid, "a checkpoint of %d bytes is over %d", len(msg), MaxCheckpoint)
	}
	plain := logKey{name: f.Origin, alg: algEd25519, public: f.LogKey}
	timed := logKey{name: f.Origin, alg: algCosignature, public: f.LogKey}
	n, err := note.Open(msg, note.VerifierList(plain, timed))
	if err != nil {
		return Checkpoint{}, exchange.Errorf(exchange.CodeSignature, "the checkpoint is not signed by the hub of %q: %w", f.Origin, err)
	}
	if len(n.Sigs) != 2 {
		return Checkpoint{}, exchange.Errorf(exchange.CodeSignature, "the checkpoint lacks the hub's signature or its time")
	}
	if n.Sigs[0].Hash != plain.KeyHash() {
		n.Sigs[0], n.Sigs[1] = n.Sigs[1], n.Sigs[0]
	}
	c, err := parseCheckpoint(f, n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	seconds := binary.BigEndian.Uint64(onlyForm(&n.Sigs[1])[4:]) // verified: 4 + 8 + 64 bytes
	onlyForm(&n.Sigs[0])
	if seconds == 0 || seconds > uint64(maxTime)/1000 {
		return Checkpoint{}, exchange.Errorf(exchange.CodeInvalid, "the checkpoint's time %d is none", seconds)
	}
	c.Time = exchange.Time(seconds * 1000)
	n.UnverifiedSigs = nil
	if c.Note, err = note.Sign(n); err != nil {
		return Checkpoint{}, exchange.Errorf(exchange.CodeInternal, "the checkpoint cannot be kept: %w", err)
	}
	return c, nil
}

// onlyForm returns the bytes of a signature line that note.Open verified, and encodes the line's
// base64 again. Package note ignores the spare bits of the last character, so one signature has
// several encodings; a stored checkpoint must have one.
func onlyForm(s *note.Signature) []byte {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil {
		panic("membership: " + err.Error()) // note.Open decoded it
	}
	s.Base64 = base64.StdEncoding.EncodeToString(raw)
	return raw
}

// parseCheckpoint reads the three lines of the note's text, in their only form.
func parseCheckpoint(f Federation, text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, exchange.Errorf(exchange.CodeInvalid, "a checkpoint has three lines")
	}
	if lines[0] != f.Origin {
		return c, exchange.Errorf(exchange.CodeInvalid, "the checkpoint is of %.60q, not of %q", lines[0], f.Origin)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] || size > MaxEntries {
		return c, exchange.Errorf(exchange.CodeInvalid, "the checkpoint's size %.30q is no number up to %d", lines[1], MaxEntries)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return c, exchange.Errorf(exchange.CodeInvalid, "the checkpoint's root is no hash")
	}
	c.Size, c.Root = size, tlog.Hash(root)
	if size == 0 && c.Root != emptyRoot {
		return c, exchange.Errorf(exchange.CodeInvalid, "the checkpoint's root is not that of an empty list")
	}
	return c, nil
}
