package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// Tolerance is how old a message may be, and how far its sender's clock ahead.
	Tolerance = 5 * time.Minute

	secretPrefix = "whsec_"
	minSecret    = 24 // bytes, by the specification
	maxSecret    = 64
	newSecret    = 32
	maxSecretLen = 256 // of its file, in bytes
)

// Secret is what a node and a system share to sign messages. The zero Secret signs nothing.
type Secret struct{ hook *standard.Webhook }

// ParseSecret reads "whsec_" and 24 to 64 bytes in base64, as Standard Webhooks writes secrets.
// No error repeats the text.
func ParseSecret(text string) (Secret, error) {
	coded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("a secret is %q and then %d to %d bytes in base64; make one with: printf 'whsec_%%s\\n' \"$(openssl rand -base64 32)\"", secretPrefix, minSecret, maxSecret)
	}
	hook, err := standard.NewWebhookRaw(key)
	return Secret{hook}, err
}

// ReadSecret reads a secret from a file that holds nothing else but white space around it.
func ReadSecret(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretLen))
	if err != nil {
		return Secret{}, err
	}
	s, err := ParseSecret(strings.TrimSpace(string(b)))
	if err != nil {
		return Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// NewSecret is the text of a new secret.
func NewSecret() string {
	key := make([]byte, newSecret)
	rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.hook == nil }

// String hides the secret.
func (s Secret) String() string { return "(a secret)" }

// Sign is the three headers of a message with this ID, time and payload.
func (s Secret) Sign(id string, at time.Time, payload []byte) (http.Header, error) {
	if s.IsZero() {
		return nil, errors.New("there is no secret to sign with")
	}
	signature, err := s.hook.Sign(id, at, payload)
	if err != nil {
		return nil, err
	}
	h := make(http.Header)
	h.Set(standard.HeaderWebhookID, id)
	h.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standard.HeaderWebhookSignature, signature)
	return h, nil
}

// verify reports headers that one of the secrets did not make for this payload, and a time that
// is not about now.
func verify(secrets []Secret, h http.Header, payload []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(h.Get(standard.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return errors.New("webhook-timestamp is missing, or no number")
	}
	var wrong error = errors.New("there is no secret to verify with")
	for _, s := range secrets {
		if wrong = s.hook.VerifyIgnoringTimestamp(payload, h); wrong == nil {
			break
		}
	}
	if wrong != nil {
		return wrong
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > Tolerance || off < -Tolerance {
		return fmt.Errorf("the message is of %s, and it is %s here: more than %s apart. Do both clocks tell the time?",
			time.Unix(seconds, 0).UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), Tolerance)
	}
	return nil
}
