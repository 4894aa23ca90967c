package membership

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/souk-market/souk/exchange"
)

// MaxFederation is how many characters a federation's name may have. Every protocol ID
// contains the name.
const MaxFederation = 32

const originPrefix = "souk/"

// Federation is what a shop trusts: it is taken from the shop's invite and kept for good.
// A Federation is public; the hub's federation.json contains it.
type Federation struct {
	Origin    string            `json:"origin"`        // "souk/riverside-1a2b3c4d"
	LogKey    ed25519.PublicKey `json:"log_key"`       // verifies checkpoints
	Admission ed25519.PublicKey `json:"admission_key"` // verifies tokens, voids and revocations
}

// NewFederation names a federation. name is 1 to [MaxFederation] characters a–z, 0–9 and
// inner hyphens.
func NewFederation(name string, logKey, admission ed25519.PublicKey) (Federation, error) {
	f := Federation{LogKey: logKey, Admission: admission}
	if len(logKey) == ed25519.PublicKeySize {
		f.Origin = originPrefix + name + "-" + keyDigits(logKey)
	}
	return f, f.Check()
}

func keyDigits(logKey ed25519.PublicKey) string {
	sum := sha256.Sum256(logKey)
	return hex.EncodeToString(sum[:4])
}

// Check reports keys of a wrong size or an origin that does not belong to the log key.
func (f Federation) Check() error {
	if len(f.LogKey) != ed25519.PublicKeySize || len(f.Admission) != ed25519.PublicKeySize {
		return exchange.Errorf(exchange.CodeInvalid, "the federation's keys are not Ed25519 public keys")
	}
	if err := checkFederationName(f.Name()); err != nil {
		return err
	}
	if f.Origin != originPrefix+f.Name()+"-"+keyDigits(f.LogKey) {
		return exchange.Errorf(exchange.CodeInvalid, "the federation %q does not belong to its log key", f.Origin)
	}
	return nil
}

func checkFederationName(name string) error {
	bad := name == "" || len(name) > MaxFederation || name[0] == '-' || name[len(name)-1] == '-'
	for _, c := range []byte(name) {
		bad = bad || (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
	}
	if bad {
		return exchange.Errorf(exchange.CodeInvalid, "%.40q is not a federation name: use 1 to %d characters a–z, 0–9 and hyphens inside", name, MaxFederation)
	}
	return nil
}

// Name is the name its operator gave it, "riverside".
func (f Federation) Name() string {
	label := f.Label()
	if i := strings.LastIndexByte(label, '-'); i >= 0 {
		return label[:i]
	}
	return ""
}

// Label is the name with its digits, "riverside-1a2b3c4d": the federation's
// part of protocol IDs and topics.
func (f Federation) Label() string { return strings.TrimPrefix(f.Origin, originPrefix) }

// Equal reports whether both are the same federation with the same keys.
func (f Federation) Equal(o Federation) bool {
	return f.Origin == o.Origin && f.LogKey.Equal(o.LogKey) && f.Admission.Equal(o.Admission)
}

// VerifierKey is the log key in the text form of package note, for other tools that read
// checkpoints; "" where Check fails.
func (f Federation) VerifierKey() string {
	vkey, err := note.NewEd25519VerifierKey(f.Origin, f.LogKey)
	if err != nil {
		return ""
	}
	return vkey
}
